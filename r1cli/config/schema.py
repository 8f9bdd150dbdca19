"""Meaning and limits of every setting. The values live in `conf/`: no field that it sets has a default here.

The composed YAML becomes one frozen `Config`; unknown keys are errors. Fields that may be absent in YAML are
those whose absence is itself the meaning (`None`).
"""

from typing import Literal

from pydantic import Field

from r1cli.config.stage_schema import StageConfig
from r1cli.config.strict import Options, Positive, Strict
from r1cli.config.task_schema import TaskConfig


class RLDefaults(Strict):
    """What suits this size of model; `conf/stage/zero.yaml` reads these by interpolation."""

    learning_rate: float = Field(gt=0)
    prompts_per_step: Positive
    group_size: int = Field(ge=2)
    steps: Positive
    max_completion_tokens: Positive
    micro_batch: Positive
    gradient_checkpointing: bool
    """Compute activations twice to keep fewer of them."""
    eval_batch: Positive
    """Completions of an evaluation generated at once on one device."""
    threads: int | None = Field(ge=1)
    """CPU threads that suit it; None leaves them to torch."""


class ModelConfig(Strict):
    """Where the policy comes from. `path` wins over `embedded`, `embedded` over `hub_id`."""

    name: str
    embedded: str | None
    """Name of a folder in `r1cli/nano/weights`."""
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


class RewardTerm(Strict):
    """One term of the total: `weight * value`; every term is logged apart."""

    weight: float = Field(ge=0)
    """0 switches the term off. A penalty is a reward with negative values, so that its curve shows one."""


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
