"""Meaning and limits of the settings of stages; the values live in `conf/stage/`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from r1cli.config.strict import Options, Positive, Share, Strict


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
