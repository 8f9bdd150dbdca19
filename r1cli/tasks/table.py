"""Problems from a table of questions and answers: a local file or a data set of the Hub."""

import hashlib
import random
from pathlib import Path
from typing import Any, Self

from r1cli.config.task_schema import TableTask
from r1cli.errors import UserError, unknown
from r1cli.problem import Problem, Status
from r1cli.tasks import files, hub
from r1cli.tasks.files import Row
from r1cli.verifiers import check


class Table:
    """A training and a held-out list of problems without a common question."""

    def __init__(self, train: list[Problem], heldout: list[Problem], seed: int) -> None:
        """`heldout` in the order in which problems are taken."""
        self._train = train
        self._heldout = heldout
        self._seed = seed

    @classmethod
    def load(cls, config: TableTask, seed: int) -> Self:
        """Read and check every row: each gold answer must be one that its own verifier accepts.

        A question that stands in several rows counts once, and a training row whose question is held out is
        dropped.
        """
        check(config.verifier)
        train, heldout = _parts(config)
        if not train or not heldout:
            empty = "training" if not train else "held-out"
            raise UserError(
                f"task `{config.name}` has no {empty} rows ({len(train)} training, {len(heldout)} held out).",
                "Give more rows, another task.heldout_share, or a second file with task.heldout_path=FILE.",
            )
        return cls(list(train.values()), sorted(heldout.values(), key=lambda p: _hash(p.id)), seed)

    @property
    def size(self) -> int | None:
        """Training problems there are."""
        return len(self._train)

    def train(self, count: int) -> list[Problem]:
        """The first `count` problems of a shuffle by the seed; all of them if there are fewer."""
        return random.Random(f"table train {self._seed}").sample(self._train, len(self._train))[:count]

    def heldout(self, count: int) -> list[Problem]:
        """The first `count` held-out problems in the order of a hash, the same for every seed."""
        return self._heldout[:count]


_Problems = dict[str, Problem]


def _parts(config: TableTask) -> tuple[_Problems, _Problems]:
    if config.path is None and config.hub_id is None:
        raise UserError(f"task `{config.name}` has no rows.", "Set task.path=FILE or task.hub_id=OWNER/NAME.")
    train = _read(config, config.path, config.train_split)
    if config.path is not None and config.heldout_path is None:
        heldout = _share_of(train, config.heldout_share)
    else:
        heldout = _read(config, config.heldout_path, config.heldout_split)
    return {key: problem for key, problem in train.items() if key not in heldout}, heldout


def _share_of(problems: _Problems, share: float) -> _Problems:
    """The share with the smallest hashes, at least one: fixed by the questions, whatever their order."""
    ranked = sorted(problems, key=_hash)
    return {key: problems[key] for key in ranked[: max(1, round(share * len(ranked)))]}


def _read(config: TableTask, path: str | None, split: str) -> _Problems:
    source = f"{config.hub_id}:{split}" if path is None else path
    rows = hub.rows(config, split) if path is None else files.read(Path(path))
    found: _Problems = {}
    for row in rows:
        problem = _problem(config, row, source)
        found.setdefault(problem.id, problem)
    return found


def _problem(config: TableTask, row: Row, source: str) -> Problem:
    question = _cell(config.question, row, source)
    answer = _after(config, _cell(config.answer, row, source), row, source)
    identity = _hash(" ".join(question.split()))[:16]
    problem = Problem(f"{config.name}:{identity}", question, answer, config.verifier)
    _check_gold(problem, row, source)
    return problem


def _cell(column: str, row: Row, source: str) -> str:
    if column not in row.values:
        names = [name for name in row.values if isinstance(name, str)]
        raise unknown(
            f"column in `{source}`, row {row.number}:", column, names, "Set task.question and task.answer."
        )
    value: Any = row.values[column]
    # answers are often stored as numbers; `repr` is the shortest text that reads back as the same number
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    if not isinstance(value, str):
        raise UserError(f"`{source}`, row {row.number}: column `{column}` must be text, got {_kind(value)}.")
    if not value.strip():
        raise UserError(f"`{source}`, row {row.number}: column `{column}` is empty.")
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell and no tokenizer can read
        raise UserError(f"`{source}`, row {row.number}: column `{column}` is not valid Unicode.") from None
    return value.strip()


def _after(config: TableTask, cell: str, row: Row, source: str) -> str:
    if config.answer_after is None:
        return cell
    _, found, answer = cell.rpartition(config.answer_after)
    if not found or not answer.strip():
        what = (
            f"nothing stands after `{config.answer_after}`"
            if found
            else f"`{config.answer_after}` is not in it"
        )
        raise UserError(
            f"`{source}`, row {row.number}: column `{config.answer}` has no gold answer: {what}.",
            "Set task.answer_after=null if the whole column is the answer.",
        )
    return answer.strip()


def _check_gold(problem: Problem, row: Row, source: str) -> None:
    try:
        status, reason = check(problem.verifier)(problem, problem.answer)
    except (ValueError, KeyError) as error:
        status, reason = Status.INFRA_ERROR, str(error)
    if status is not Status.RIGHT:
        raise UserError(
            f"`{source}`, row {row.number}: verifier `{problem.verifier}` cannot judge the gold answer "
            f"{problem.answer!r}: {reason}.",
            "Mend or remove the row, or set another task.verifier.",
        )


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
