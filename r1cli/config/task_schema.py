"""Meaning and limits of the settings of tasks; the values live in `conf/task/`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from r1cli.config.strict import Strict


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
    largest_value: int | None = Field(ge=1)
    """No value on the way to a generated target goes above this; None sets no bound."""
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
