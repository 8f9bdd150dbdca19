"""What docs/design.md tells a newcomer to do, read from its code blocks; and tables of docs/metrics.md."""

import re
import shutil
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Fence(NamedTuple):
    """A code block that names a file: its whole content, or, as a `diff`, a change of it."""

    language: str
    file: str
    text: str


def fences() -> list[Fence]:
    """The blocks in the order of the page."""
    text = (ROOT / "docs" / "design.md").read_text()
    return [Fence(*found) for found in re.findall(r"^```(\w+) file=(\S+)\n(.*?)^```$", text, re.M | re.S)]


def patched(text: str, diff: str) -> str:
    """`text` with each hunk (parted by `@@`) put in where its old lines stand, which must be one place."""
    for hunk in re.split(r"^@@\n", diff, flags=re.M):
        lines = [(line[:1] or " ", line[1:]) for line in hunk.splitlines()]
        old = "".join(f"{line}\n" for sign, line in lines if sign in " -")
        new = "".join(f"{line}\n" for sign, line in lines if sign in " +")
        found = re.findall(rf"^{re.escape(old)}", text, re.M)
        assert old and len(found) == 1, f"{len(found)} places for\n{old}"
        text = re.sub(rf"^{re.escape(old)}", lambda _: new, text, count=1, flags=re.M)  # noqa: B023
    return text


def extended_copy(folder: Path) -> Path:
    """A copy of the program to which every block of the page has been applied."""
    for name in ("r1cli", "conf", "recipes"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for fence in fences():
        path = folder / fence.file
        if fence.language == "diff":
            path.write_text(patched(path.read_text(), fence.text))
        else:
            assert not path.exists(), f"{fence.file} is there already"
            path.write_text(fence.text)
    return folder


def names_in(heading: str) -> set[str]:
    """First column of the table below a heading of docs/metrics.md."""
    text = (ROOT / "docs" / "metrics.md").read_text()
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", text, re.M | re.S)
    assert section is not None, heading
    return set(re.findall(r"^\| `([^`]+)` \|", section[1], re.M))
