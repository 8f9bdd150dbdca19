"""Rows of a data set on the Hugging Face Hub, or of its copy in the local cache."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from r1cli.config.task_schema import TableTask
from r1cli.errors import UserError
from r1cli.tasks.files import Row

if TYPE_CHECKING:
    from datasets import Dataset

TIMEOUT = 10.0
"""Seconds to wait for the Hub's first answer."""
_TRUE = frozenset({"1", "true", "yes", "on"})


def rows(config: TableTask, split: str) -> Iterator[Row]:
    """The rows of one split at the configured revision.

    Whatever goes wrong on the way (no network, no such data set, subset or split) is a two-line `UserError`,
    at once.
    """
    if config.hub_id is None:
        raise UserError(
            f"task `{config.name}` has no data set for split `{split}`.", "Set task.hub_id=OWNER/NAME."
        )
    if not offline():
        _demand_reachable(config.hub_id, config.revision)
    for number, values in enumerate(_load(config.hub_id, config, split), start=1):
        yield Row(number, dict(values))


def offline() -> bool:
    """Whether the user has asked Hugging Face's libraries to use only their cache."""
    names = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
    return any(os.environ.get(name, "").lower() in _TRUE for name in names)


def _demand_reachable(hub_id: str, revision: str | None) -> None:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    # One small request first: without network `load_dataset` retries for 23 s (datasets 5.2) before it gives
    # up.
    try:
        HfApi().dataset_info(hub_id, revision=revision, timeout=TIMEOUT)
    except GatedRepoError:
        raise UserError(
            f"data set `{hub_id}` is gated.", "Ask for access on its page and set HF_TOKEN."
        ) from None
    except RepositoryNotFoundError:
        raise UserError(
            f"the Hub has no data set `{hub_id}`, or it is private.", "Check task.hub_id."
        ) from None
    except RevisionNotFoundError:
        raise UserError(
            f"data set `{hub_id}` has no revision `{revision}`.", "Check task.revision."
        ) from None
    except Exception as error:  # the HTTP library below, and so its exceptions, differs between versions
        raise UserError(
            f"cannot reach the Hugging Face Hub for data set `{hub_id}` ({_first_line(error)}).",
            "Use a local file with task.path=FILE, a cached copy with HF_HUB_OFFLINE=1, or task=countdown.",
        ) from None


def _load(hub_id: str, config: TableTask, split: str) -> "Dataset":
    import datasets

    try:
        return datasets.load_dataset(hub_id, config.subset, split=split, revision=config.revision)
    except (ValueError, OSError) as error:
        where = " in the local cache (HF_HUB_OFFLINE is set)" if offline() else ""
        raise UserError(
            f"cannot load split `{split}` of data set `{hub_id}`{where}: {_first_line(error)}.",
            "Check task.hub_id, task.subset and the splits, or use a local file with task.path=FILE.",
        ) from None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")
