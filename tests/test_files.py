"""Files of a run directory survive full disks, crashes and whatever a model writes."""

import errno
import json
import math
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from r1cli.errors import UserError
from r1cli.runs.files import append_jsonl, cut_jsonl, disk, read_jsonl, write_json, write_text


def test_write_replaces_and_leaves_nothing_aside(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_json(path, {"status": "running"})
    write_json(path, {"status": "done"})
    assert json.loads(path.read_text()) == {"status": "done"}
    assert [item.name for item in tmp_path.iterdir()] == ["manifest.json"]


def test_a_disk_that_fills_while_syncing_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "manifest.json"
    write_text(path, "old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        UserError, match=r"cannot write .*manifest\.json: no space left on the device\."
    ) as caught:
        write_text(path, "new")
    assert caught.value.hint is not None and "Free some space" in caught.value.hint
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["manifest.json"]


def test_append_to_the_full_device() -> None:
    with pytest.raises(UserError, match="cannot write /dev/full: no space left"):
        append_jsonl(Path("/dev/full"), {"step": 1})


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 KiB; needs the right to mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no right to mount a tmpfs; the raising os.fsync and /dev/full above cover the same code")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_append_on_a_disk_that_fills_is_whole_or_nothing(small_disk: Path) -> None:
    path = small_disk / "samples.jsonl"
    row = {"step": 0, "completion": "x" * 5000}
    with pytest.raises(UserError, match="no space left"):
        for step in range(100):
            append_jsonl(path, row | {"step": step})
    whole = read_jsonl(path)
    assert path.read_bytes().endswith(b"\n")
    assert [line["step"] for line in whole] == list(range(len(whole)))
    assert len(whole) == 65536 // 5031  # 13 lines of 5,000 x and 31 characters around them fit


def test_append_takes_back_a_half_written_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.jsonl"
    append_jsonl(path, {"step": 1})
    write, calls = os.write, []

    def first_three_bytes_then_full(descriptor: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:3])

    monkeypatch.setattr(os, "write", first_three_bytes_then_full)
    with pytest.raises(UserError, match="no space left"):
        append_jsonl(path, {"step": 2})
    assert path.read_bytes() == b'{"step": 1}\n'


@pytest.mark.parametrize(
    "torn", [b'{"step": 2, "acc', b'{"step": 2, "text": "\xe4\xbd', b"\0" * 40, b"{", b"12"]
)
def test_a_torn_last_line_is_dropped_and_then_replaced(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "metrics.jsonl"
    append_jsonl(path, {"step": 1})
    with path.open("ab") as file:
        file.write(torn)
    assert read_jsonl(path) == [{"step": 1}]
    append_jsonl(path, {"step": 2})
    assert read_jsonl(path) == [{"step": 1}, {"step": 2}]


def test_a_whole_last_line_without_its_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2}')
    append_jsonl(path, {"step": 3})
    assert [row["step"] for row in read_jsonl(path)] == [1, 2, 3]


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n\noops\n{"step": 3}\n')
    with pytest.raises(UserError, match=r"metrics\.jsonl, line 3: not a JSON object"):
        read_jsonl(path)


def test_no_file_has_no_rows(tmp_path: Path) -> None:
    assert read_jsonl(tmp_path / "metrics.jsonl") == []


def test_what_json_lacks_becomes_null(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    append_jsonl(path, {"loss": math.nan, "list": [math.inf, 1.5], "deep": {"x": -math.inf}})
    assert read_jsonl(path) == [{"loss": None, "list": [None, 1.5], "deep": {"x": None}}]


def test_any_text_of_a_model_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    text = '等等\u2028 \ud83d \x00 "quoted" \\ \n<think>'  # a line separator, a lone surrogate, NUL
    append_jsonl(path, {"completion": text})
    assert read_jsonl(path) == [{"completion": text}]
    assert "等等" in path.read_text()  # readable as it is, not escaped


def test_cut_drops_later_steps_only(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    for row in ({"step": 0}, {"note": "no step"}, {"step": 5}, {"step": 6}):
        append_jsonl(path, row)
    assert cut_jsonl(path, 5) == 1
    assert read_jsonl(path) == [{"step": 0}, {"note": "no step"}, {"step": 5}]
    assert cut_jsonl(tmp_path / "none.jsonl", 5) == 0
    assert not (tmp_path / "none.jsonl").exists()


def test_other_errors_of_the_disk_are_not_dressed_up(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="broken"), disk(tmp_path):
        raise OSError(errno.EBADF, "broken")
