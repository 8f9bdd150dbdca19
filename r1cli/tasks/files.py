"""Rows of a local .jsonl, .csv or .parquet file, each with the number that finds it again in the file."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from r1cli.errors import UserError


class Row(NamedTuple):
    """One row of a table and where it stands."""

    number: int
    """Line of a .jsonl file; row below the header of a .csv, row of a .parquet file; from 1."""
    values: Mapping[str, Any]


def read(path: Path) -> Iterator[Row]:
    """The rows of a file; a `UserError` names the file, and the row if one row is to blame."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"cannot read `{path}`: a task file must be one of {', '.join(READERS)}.")
    try:
        yield from reader(path)
    except FileNotFoundError:
        raise UserError(f"task file `{path}` does not exist.", "Set it with task.path=FILE.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"task file `{path}` is not UTF-8 text (byte {error.start}).") from None
    except OSError as error:
        raise UserError(f"cannot read task file `{path}`: {error.strerror or error}.") from None


def _jsonl(path: Path) -> Iterator[Row]:
    # utf-8-sig: files saved on Windows may begin with a byte order mark
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield Row(number, _object(path, number, line))


def _object(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise UserError(f"`{path}`, row {number}: not JSON ({reason}).") from None
    if not isinstance(values, dict):
        raise UserError(
            f'`{path}`, row {number}: must be a JSON object, e.g. {{"question": …, "answer": …}}.'
        )
    return values


def _csv(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        number = 0
        try:
            for number, values in enumerate(reader, start=1):
                yield Row(number, values)
        except csv.Error as error:
            raise UserError(f"`{path}`, row {number + 1}: not CSV ({error}).") from None


def _parquet(path: Path) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            rows = (values for batch in file.iter_batches() for values in batch.to_pylist())
            for number, values in enumerate(rows, start=1):
                yield Row(number, values)
    except pyarrow.ArrowInvalid as error:
        raise UserError(f"`{path}` is not a parquet file ({str(error).splitlines()[0]}).") from None


READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".parquet": _parquet,
}
