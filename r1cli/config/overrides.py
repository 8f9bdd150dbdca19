"""`key=value` words: told apart, checked, and put into the tree of settings; plain data in and out."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from r1cli.config import trl_options
from r1cli.errors import UserError, nearest, unknown

Tree = dict[str, Any]
"""Settings as nested plain dicts."""

OPEN = ("stage.trl", "model.architecture", "task.numbers")
"""Mappings that take keys which `conf/` does not list."""
PATHS = ("runs_dir", "model.path", "task.path", "task.heldout_path")
"""Settings in which a leading `~` means the home directory; the shell does not expand it after `=`."""

_TERM = re.compile(r"reward\.[^.]+\.weight")
_HINT = "`r1 train zero --cfg` prints every setting."


class Words(NamedTuple):
    """Overrides of one command line, told apart."""

    choices: dict[str, str]
    """Group -> name of the file that is chosen."""
    settings: dict[str, Any]
    """Dotted key -> value; the last one wins."""


def split(
    words: Sequence[str], groups: Mapping[str, Sequence[str]], value_of: Callable[[str, str], Any]
) -> Words:
    """Tell group choices (`model=nano`) from settings (`seed=3`).

    Args:
        words: the overrides as typed.
        groups: group -> the names that can be chosen.
        value_of: (text of a value, the whole word) -> the value; raises `UserError` for what is none.

    Raises:
        UserError: a word is no override, or chooses a name that does not exist.
    """
    choices: dict[str, str] = {}
    settings: dict[str, Any] = {}
    for word in words:
        key, text = _parts(word)
        if key in groups:
            choices[key] = option(key, text.strip("'\""), groups)
        else:
            settings[key] = value_of(text, word)
    return Words(choices, settings)


def option(group: str, name: str, groups: Mapping[str, Sequence[str]]) -> str:
    """`name` if the group has it."""
    if "," in name:
        raise sweep(f"{group}={name}")
    if name not in groups[group]:
        raise unknown(
            group, name, groups[group], "Your own files in ./conf or --config-dir are looked at too."
        )
    return name


def sweep(word: str) -> UserError:
    """One command is one run."""
    return UserError(
        f"`{word}` holds several values, and one command starts one run.",
        "Start one run for each. A list is written [a,b]; a text with a comma is quoted: \"key='a,b'\".",
    )


def _parts(word: str) -> tuple[str, str]:
    if word.startswith("~"):
        raise UserError(
            f"`{word}`: nothing can be deleted, as every setting has a meaning.",
            "Set it to null, or a reward's weight to 0: reward.format.weight=0.",
        )
    if word.startswith("+"):
        raise UserError(f"`{word}` starts with `+`, which r1 has no use for.", f"Write `{word.lstrip('+')}`.")
    key, equals, text = word.partition("=")
    if not equals:
        raise UserError(
            f"`{word}` is not an override.", "Overrides are written key=value, e.g. seed=3 or model=nano."
        )
    if "_target_" in word:
        raise target(key)
    return key.strip(), text


def target(where: str) -> UserError:
    """A config is data; `_target_` would make it a program."""
    return UserError(f"`{where}` holds `_target_`, which r1 refuses: a config cannot name code to run.", None)


def put(tree: Tree, key: str, value: Any) -> None:
    """Set one existing (or open) dotted key in place; a mapping replaces the old one as a whole.

    Raises:
        UserError: there is no such key; the nearest one is named.
    """
    if key in ("stage.kind", "task.kind"):
        group = key.partition(".")[0]
        raise UserError(
            f"`{key}` belongs to the file that {group} is read from.", f"Choose another: {group}=NAME."
        )
    if not (_has(tree, key) or _is_open(key)):
        raise _unknown_key(tree, key)
    if key in PATHS and isinstance(value, str) and value.startswith("~"):
        from pathlib import Path

        value = str(Path(value).expanduser())
    *parents, last = key.split(".")
    node = tree
    for name in parents:
        child = node.get(_own(node, name))
        if not isinstance(child, dict):
            child = node[_own(node, name)] = {}
        node = child
    node[_own(node, last)] = value


def _own(node: Tree, name: str) -> Any:
    """The node's own form of a key: YAML has `3:` as a number, a dotted key has it as text."""
    return next((key for key in node if str(key) == name), name)


def _has(tree: Tree, key: str) -> bool:
    node: Any = tree
    for name in key.split("."):
        if not isinstance(node, dict) or name not in map(str, node):
            return False
        node = node[_own(node, name)]
    return True


def _is_open(key: str) -> bool:
    return _TERM.fullmatch(key) is not None or any(
        key.startswith(f"{root}.") and not key.endswith(".") for root in OPEN
    )


def keys(tree: Tree, prefix: str = "") -> Iterator[str]:
    """Every dotted key, of leaves and of mappings."""
    for name, value in tree.items():
        yield f"{prefix}{name}"
        if isinstance(value, dict):
            yield from keys(value, f"{prefix}{name}.")


def _unknown_key(tree: Tree, key: str) -> UserError:
    last = key.rpartition(".")[2]
    kind: trl_options.Kind = "sft" if "documents" in tree.get("stage", ()) else "grpo"
    guess = _nearest_key(tree, key)
    if guess is None or guess.rpartition(".")[2] != last:
        if last in trl_options.RESERVED[kind]:
            return UserError(
                f"unknown key `{key}`.", f"r1 sets TRL's `{last}`: {trl_options.RESERVED[kind][last]}."
            )
        if last in trl_options.known(kind):
            return UserError(
                f"unknown key `{key}`. Did you mean `stage.trl.{last}`, TRL's own option?", _HINT
            )
    meant = f" Did you mean `{guess}`?" if guess else ""
    return UserError(f"unknown key `{key}`.{meant}", _HINT)


def _nearest_key(tree: Tree, key: str) -> str | None:
    """The full key most likely meant: same last word elsewhere, else a similar key or last word."""
    if key.startswith("reward."):
        return f"reward.{key.split('.')[1]}.weight"
    every = list(keys(tree))
    *_, last = key.split(".")
    same = [known for known in every if known.rpartition(".")[2] == last]
    if same:
        return min(same, key=lambda known: (known.count("."), not known.startswith("stage."), known))
    if close := difflib.get_close_matches(key, every, n=1, cutoff=0.75):
        return close[0]
    word = (
        nearest(last, {known.rpartition(".")[2] for known in every})
        if "." not in key
        else nearest(key, every)
    )
    return min((k for k in every if word in (k, k.rpartition(".")[2])), key=len, default=None)
