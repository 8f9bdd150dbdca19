"""Where config files are looked for, and which ones there are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from r1cli.errors import UserError

GROUPS = ("stage", "model", "task", "reward", "logger", "launcher")


def conf_dir() -> Path:
    """The shipped `conf/`: inside the installed package, or at the root of the source tree."""
    return _shipped("conf")


def recipes_dir() -> Path:
    """The shipped `recipes/`, found like `conf_dir`."""
    return _shipped("recipes")


def _shipped(name: str) -> Path:
    package = Path(__file__).resolve().parents[1]
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def folders(config_dir: Path | None) -> list[Path]:
    """The shipped `conf/`, then `./conf` if it has any group, then `config_dir`; each once.

    Raises:
        UserError: `config_dir` is no folder, or holds no group.
    """
    found = [conf_dir().resolve()]
    own = Path("conf").resolve()
    if own not in found and _has_groups(own):
        found.append(own)
    if config_dir is not None:
        if not config_dir.is_dir():
            raise UserError(f"--config-dir {config_dir}: no such folder.", None)
        if not _has_groups(config_dir):
            raise UserError(
                f"--config-dir {config_dir} holds none of the folders {', '.join(GROUPS)}.",
                f"A model file, for example, goes to {config_dir / 'model' / 'mine.yaml'}.",
            )
        if config_dir.resolve() not in found:
            found.append(config_dir.resolve())
    return found


def _has_groups(folder: Path) -> bool:
    return any((folder / group).is_dir() for group in GROUPS)


def options(found: Sequence[Path]) -> dict[str, list[str]]:
    """Group -> the names that can be chosen, over all folders."""
    return {
        group: sorted({file.stem for folder in found for file in (folder / group).glob("*.yaml")})
        for group in GROUPS
    }


def refuse_shadowed(choices: Mapping[str, str], found: Sequence[Path]) -> None:
    """Hydra takes the first of two files with one name without a word; here that is an error.

    Two equal files are no conflict: a copy of the shipped folder may lie in the working directory.
    """
    for group, name in choices.items():
        files = [file for folder in found if (file := folder / group / f"{name}.yaml").is_file()]
        if any(file.read_bytes() != files[0].read_bytes() for file in files[1:]):
            raise UserError(
                f"`{group}={name}` is in two places that differ: {files[0]} and {files[-1]}.", "Rename yours."
            )
