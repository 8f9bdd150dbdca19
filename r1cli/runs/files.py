"""How a run directory is written: files replaced in one step, JSON lines appended whole.

Whatever ends the process, a file that exists is complete; of a `.jsonl` at most the last line is lost.
"""

import errno
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from r1cli.errors import UserError

Row = dict[str, Any]
"""One line of a `.jsonl` file."""

SPACE = "Free some space and go on with `r1 resume`, or write elsewhere with `runs_dir=`. Older data is safe."
PLACE = "Choose a folder you may use: `runs_dir=` for one command, the variable `R1_RUNS` for all."
FAILURES: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("no space left on the device", SPACE),
    errno.EDQUOT: ("the disk quota is used up", SPACE),
    errno.EACCES: ("permission denied", PLACE),
    errno.EPERM: ("permission denied", PLACE),
    errno.EROFS: ("the file system is read-only", PLACE),
    errno.ENOTDIR: ("a part of this path is a file, not a folder", PLACE),
    errno.ENAMETOOLONG: ("the name is too long", PLACE),
}
"""What the disk may refuse -> the reason and the way out, for the user."""


@contextmanager
def disk(path: Path, verb: str = "write") -> Iterator[None]:
    """Turn a full disk or a missing permission into a `UserError` naming `path`; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in FAILURES:
            raise
        reason, hint = FAILURES[error.errno]
        raise UserError(f"cannot {verb} {path}: {reason}.", hint) from error


def to_json(value: object, indent: int | None = None) -> str:
    """JSON text of plain data. NaN and infinities, which JSON lacks, become null."""
    return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, indent=indent)


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` in one step: a reader sees the old file or the new one, never half.

    Raises:
        UserError: the disk is full or the place may not be written; the old file is untouched.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with disk(path):
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last; some file systems cannot, and then the file is still whole."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of UTF-8."""
    write_bytes(path, _utf8(text))


def _utf8(text: str) -> bytes:
    """A lone surrogate in model text has no UTF-8; its backslash form is also its JSON escape."""
    return text.encode("utf-8", "backslashreplace")


def write_json(path: Path, value: object) -> None:
    """`write_text` of indented JSON."""
    write_text(path, to_json(value, indent=2) + "\n")


def append_jsonl(path: Path, row: Mapping[str, Any]) -> None:
    """Add one line, whole or not at all; a torn line that an earlier crash left is taken away first.

    Not synced to the disk: a power cut may cost the last lines, a killed process costs none.

    Raises:
        UserError: the disk is full or the place may not be written; the lines before stand.
    """
    line = _utf8(to_json(row) + "\n")
    with disk(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            _append(descriptor, line)
        finally:
            os.close(descriptor)


def _append(descriptor: int, line: bytes) -> None:
    size = _mended_size(descriptor)
    try:
        written = 0
        while written < len(line):  # a nearly full disk takes a part first and fails on the rest
            written += os.write(descriptor, line[written:])
    except BaseException:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _mended_size(descriptor: int) -> int:
    """Size of the file after its last line was ended, or dropped when it is torn."""
    size = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return size
    content = os.pread(descriptor, size, 0)
    start = content.rfind(b"\n") + 1
    if _parsed(content[start:]) is None:
        os.ftruncate(descriptor, start)
        return start
    return size + os.write(descriptor, b"\n")


def _parsed(line: bytes) -> Row | None:
    """The row, or None when the line is no JSON object."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def read_jsonl(path: Path) -> list[Row]:
    """All rows; no file means no rows yet. A last line that is no JSON object was torn, and is dropped.

    Raises:
        UserError: a line before the last is broken (its number is named), or the file may not be read.
    """
    with disk(path, "read"):
        if not path.exists():
            return []
        lines = path.read_bytes().split(b"\n")
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    rows: list[Row] = []
    for number, line in numbered:
        row = _parsed(line)
        if row is not None:
            rows.append(row)
        elif number != numbered[-1][0]:
            raise UserError(f"{path}, line {number}: not a JSON object.", "Remove or restore that line.")
    return rows


def cut_jsonl(path: Path, step: int) -> int:
    """Drop the rows after `step`, which a resumed run will write again; returns how many went."""
    rows = read_jsonl(path)
    kept = [row for row in rows if "step" not in row or row["step"] <= step]
    if len(kept) < len(rows):
        write_text(path, "".join(to_json(row) + "\n" for row in kept))
    return len(rows) - len(kept)
