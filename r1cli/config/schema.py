"""Meaning and limits of every setting. The values live in `conf/`: no field that it sets has a default here.

The composed YAML becomes one frozen `Config`; unknown keys are errors. Fields that may be absent in YAML are
those whose absence is itself the meaning (`None`).
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Options = dict[str, Any]
"""An open mapping that is handed on as it is to the library named at the field."""


class Strict(BaseModel):
    """Frozen and closed; `run_id=7` is the text "7"; infinity and NaN are no settings."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", coerce_numbers_to_str=True, allow_inf_nan=False, protected_namespaces=()
    )


# ── model ────────────────────────────────────────────────────────────────────────────────────────────────


class RLDefaults(Strict):
    """What suits this size of model; `conf/stage/zero.yaml` reads these by interpolation."""

    learning_rate: float = Field(gt=0)
    prompts_per_step: Positive
    group_size: int = Field(ge=2)
    steps: Positive
    max_completion_tokens: Positive
    micro_batch: Positive


class ModelConfig(Strict):
    """Where the policy comes from. `path` wins over `embedded`, `embedded` over `hub_id`."""

    name: str
    embedded: str | None
    """Name of a model shipped inside the package (`nano`, `nano-v3`)."""
    hub_id: str | None
    """Hugging Face Hub id."""
    revision: str | None
    """Commit of `hub_id`, pinned so that a run can be repeated."""
    path: str | None
    """A local model directory, or a `.gguf` file (dequantized on loading)."""
    dtype: Literal["float32", "bfloat16"]
    """Type of the weights in memory while training."""
    lora: int | None = Field(ge=1)
    """Rank of LoRA adapters on all linear layers; None trains every weight."""
    lora_alpha: int | None = Field(ge=1)
    """LoRA scale; None means twice the rank."""
    template: str
    """Key in `r1cli.prompts.TEMPLATES`."""
    rl: RLDefaults
    architecture: Options | None
    """transformers config values (with `model_type`) for `r1 train base`; None when it has none."""


# ── task ─────────────────────────────────────────────────────────────────────────────────────────────────


class CountdownTask(Strict):
    """Endless: reach a target with every given number used exactly once."""

    kind: Literal["countdown"]
    name: str
    numbers: dict[int, float]
    """How many numbers -> weight, e.g. `{2: 0.2, 3: 0.8}`."""
    low: int = Field(ge=0)
    high: int = Field(ge=1)
    """Range of the given numbers, both ends included."""
    operations: list[Literal["+", "-", "*", "/"]] = Field(min_length=1)
    """Operations that generated targets are made with (an answer may use all four)."""
    target_low: int
    target_high: int
    """Range of targets, both ends included."""
    heldout_share: float = Field(gt=0, lt=1)
    """Share of all possible problems that is kept from training, by a hash of the problem."""

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low ({self.low}) must not be above high ({self.high})")
        if self.target_low > self.target_high:
            raise ValueError(
                f"target_low ({self.target_low}) must not be above target_high ({self.target_high})"
            )
        if not self.numbers or any(n < 2 or n > 6 for n in self.numbers):
            raise ValueError("numbers must map counts from 2 to 6 to weights, e.g. {3: 1.0}")
        if min(self.numbers.values()) < 0 or sum(self.numbers.values()) <= 0:
            raise ValueError("the weights of numbers must be at least 0 and not all 0")
        return self


class TableTask(Strict):
    """Rows of questions and answers, from a local file (`path`) or from the Hub."""

    kind: Literal["table"]
    name: str
    path: str | None
    """Local .jsonl, .csv or .parquet with the training rows; wins over `hub_id`."""
    heldout_path: str | None
    """Local file with the held-out rows; without it `heldout_share` of `path` is kept apart by hash."""
    heldout_share: float = Field(gt=0, lt=1)
    hub_id: str | None
    subset: str | None
    revision: str | None
    train_split: str
    heldout_split: str
    question: str
    """Column with the question."""
    answer: str
    """Column with the gold answer."""
    answer_after: str | None
    """The gold answer stands after the last occurrence of this text, e.g. `####`."""
    verifier: str
    """Key in `r1cli.verifiers.VERIFIERS`."""


TaskConfig = Annotated[CountdownTask | TableTask, Field(discriminator="kind")]


# ── reward, logger, launcher ─────────────────────────────────────────────────────────────────────────────


class RewardTerm(Strict):
    """One term of the total: `weight * value`; every term is logged apart."""

    weight: float


class LoggerConfig(Strict):
    """Where metrics go besides `metrics.jsonl`, which is always written."""

    name: str
    wandb: bool
    """Log to Weights & Biases: online only when a key is set, else into the run directory."""
    project: str
    group: str | None
    tags: list[str]
    report_to: list[str]
    """transformers integrations that get the same metrics, e.g. `tensorboard`."""


class LauncherConfig(Strict):
    """On what it runs and what an hour of it costs."""

    name: str
    processes: Positive
    """Data-parallel processes on this machine, one GPU each when there are GPUs."""
    threads: int | None = Field(ge=1)
    """CPU threads of each process; None shares the cores out."""
    usd_per_device_hour: float = Field(ge=0)
    """Price of one device (GPU, or this whole CPU machine) for `cost/usd`."""


# ── stages ───────────────────────────────────────────────────────────────────────────────────────────────


class EvalSettings(Strict):
    """Sampled held-out evaluation before step 1, every `every` steps, at the end; on the same problems."""

    problems: Positive
    samples: Positive
    """Completions per problem."""
    every: int = Field(ge=0)
    """In steps; 0 evaluates only before and after."""
    temperature: float = Field(gt=0)
    batch: Positive
    """Completions generated at once on one device."""


class CorpusSettings(Strict):
    """The mixture of the generated pretraining corpus (`r1cli/nano/corpus.py`); shares are probabilities."""

    facts: Share
    """Texts that are a few sums."""
    comparisons: Share
    """Texts that are a few checks of a value against a target."""
    search: Share
    """Responses that search; the others give their first guess."""
    patience: tuple[Positive, Positive]
    """Fewest and most attempts of a search, drawn evenly."""
    silent: Share
    """Failed attempts that the next follows without a word such as "wait ,"."""
    opener: Share
    """English responses that begin with a word such as "so"."""
    broken_format: Share
    """Responses without the full `<think> … </think> <answer> … </answer>`, whatever their style."""
    chinese: Share
    """Texts with all words Chinese."""
    mixed: Share
    """Texts with each phrase in either language."""
    largest_value: Positive
    """No attempt in the corpus goes above this; the vocabulary has the numbers 0 to 100 as single tokens."""

    @model_validator(mode="after")
    def _sums(self) -> Self:
        if self.facts + self.comparisons >= 1:
            raise ValueError("facts and comparisons together must leave a share for problems")
        if self.chinese + self.mixed > 1:
            raise ValueError("chinese and mixed together must not be above 1")
        if self.patience[0] > self.patience[1]:
            raise ValueError(f"patience {list(self.patience)} must be [fewest, most]")
        return self


class BaseStage(Strict):
    """Pretraining from nothing on the generated corpus."""

    kind: Literal["base"]
    documents: Positive
    """Texts in the corpus, each read once."""
    batch_documents: Positive
    """Texts in one optimizer step."""
    micro_batch: Positive
    """Texts in one forward and backward pass; a step's texts are sorted by length before they are divided."""
    learning_rate: float = Field(gt=0)
    """Peak rate of AdamW, for embeddings and norms."""
    matrix_learning_rate: float = Field(gt=0)
    """Peak rate of Muon, for the weight matrices of the layers."""
    corpus: CorpusSettings
    max_completion_tokens: Positive
    """Of the responses that the finished model is measured by."""
    samples_prompts: Positive
    """Probe prompts recorded at each evaluation."""
    save_every: int = Field(ge=0)
    """Steps between checkpoints; 0 saves only when the run ends or is interrupted."""
    eval: EvalSettings
    trl: Options
    """Further `trl.SFTConfig` options, by their own names."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.batch_documents % self.micro_batch:
            raise ValueError(
                f"micro_batch ({self.micro_batch}) must divide batch_documents ({self.batch_documents})"
            )
        return self


class ZeroStage(Strict):
    """GRPO from verifiable rewards on a base model (DeepSeek-R1 section 2.2)."""

    kind: Literal["zero"]
    steps: Positive
    """Policy updates."""
    prompts_per_step: Positive
    """Different prompts in one update, over all devices."""
    group_size: int = Field(ge=2)
    """Completions per prompt; their mean reward is the baseline (G, eq. 1)."""
    micro_batch: Positive
    """Most completions in one forward and backward pass on one device."""
    max_completion_tokens: Positive
    temperature: float = Field(gt=0)
    learning_rate: float = Field(gt=0)
    kl_weight: float = Field(ge=0)
    """beta: weight of KL(policy || reference); 0 keeps no reference model in memory."""
    save_every: int = Field(ge=0)
    """Steps between checkpoints; 0 saves only when the run ends or is interrupted."""
    samples_every: Positive
    """Steps between records of training samples."""
    samples_prompts: Positive
    """Prompts recorded each time, and probe prompts recorded at each evaluation."""
    eval: EvalSettings
    trl: Options
    """Further `trl.GRPOConfig` options, by their own names."""


StageConfig = Annotated[BaseStage | ZeroStage, Field(discriminator="kind")]


# ── the whole ────────────────────────────────────────────────────────────────────────────────────────────


class Config(Strict):
    """One stage's complete settings."""

    stage: StageConfig
    model: ModelConfig
    task: TaskConfig
    reward: dict[str, RewardTerm] = Field(min_length=1)
    """Name in `r1cli.rewards.REWARDS` -> its weight."""
    logger: LoggerConfig
    launcher: LauncherConfig
    seed: int = Field(ge=0, lt=2**32)
    runs_dir: str
    """Folder of the run directories; `R1_RUNS` sets it for all commands."""
    run_id: str | None
    """Name of the run directory; None numbers it."""
