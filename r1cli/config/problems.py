"""What Hydra and pydantic complain of, in one or two lines that name the setting."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from r1cli.config.overrides import Tree, target
from r1cli.config.schema import Config
from r1cli.errors import UserError

# pydantic's words are for programmers ("unable to parse string as an integer").
_WORDS = {
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_parsing": "expected a number",
    "float_type": "expected a number",
    "finite_number": "expected a finite number",
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
    "string_type": "expected text",
    "list_type": "expected a list, e.g. [a,b]",
    "dict_type": "expected a mapping, e.g. {a: 1}",
    "model_type": "expected a mapping of settings",
    "union_tag_not_found": "`kind` is not set",
    "union_tag_invalid": "its `kind` is none of this program's",
    "missing": "is not set",
    "extra_forbidden": "there is no such setting",
}
_WITHOUT_VALUE = ("missing", "extra_forbidden", "value_error", "union_tag_not_found", "union_tag_invalid")
_REFERENCE = re.compile(r"\$\{\w[\w-]*(?:\.\w[\w-]*)*\}")
"""`${a.b}`: the value of another setting."""
_SHORT = 60
"""Longest wrong value that a message repeats, in characters."""


def validated(tree: Tree) -> Config:
    """The typed config.

    Raises:
        UserError: for the first setting that is wrong; more than one are counted.
    """
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        first, *others = error.errors(include_url=False)
        more = (
            f" ({len(others)} more setting{'s are' if len(others) > 1 else ' is'} wrong.)" if others else ""
        )
        raise UserError(f"{_text(first, tree)}{more}", None) from error


def _text(error: ErrorDetails, tree: Tree) -> str:
    where, kind = _dotted(error["loc"], tree), error["type"]
    words = _WORDS.get(kind) or error["msg"].removeprefix("Value error, ").replace(
        "Input should be", "must be"
    )
    if kind in _WITHOUT_VALUE:
        return f"{where}: {words}."
    got = repr(error["input"])
    return f"{where}: {words}, got {got if len(got) <= _SHORT else got[:_SHORT] + '…'}."


def _dotted(loc: tuple[int | str, ...], tree: Tree) -> str:
    """`stage.group_size` for pydantic's `("stage", "zero", "group_size")`, which holds the union's tag."""
    parts = [str(part) for part in loc]
    if len(parts) > 1 and isinstance(tree.get(parts[0]), dict) and tree[parts[0]].get("kind") == parts[1]:
        del parts[1]
    return ".".join(parts)


def refuse_programs(tree: Tree) -> None:
    """Refuse `_target_` and `${resolver:…}` anywhere, be it from a group file, a saved file or an override.

    A config is data: it names no code to run, and reads neither the environment, which holds keys, nor files.
    """
    refuse_targets(tree)
    for where, text in _texts(tree, ""):
        if text.count("${") != len(_REFERENCE.findall(text)):
            raise UserError(
                f"`{where}` holds a `${{…}}` that is no plain reference, which r1 refuses: a config is data.",
                "Write the value, or refer to another setting by its key, e.g. ${model.name}.",
            )


def _texts(node: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every text in the tree with its dotted key."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _texts(value, f"{where}.{key}" if where else str(key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _texts(value, f"{where}[{index}]")
    elif isinstance(node, str):
        yield where, node


def refuse_targets(tree: Tree) -> None:
    """Refuse a config with `_target_` anywhere, be it from a group file, a saved file or an override."""
    for where in _targets(tree, ""):
        raise target(where)


def _targets(node: Any, where: str) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            here = f"{where}.{key}" if where else str(key)
            if key == "_target_":
                yield where or "the config"
            yield from _targets(value, here)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _targets(value, f"{where}[{index}]")


def not_composed(error: Exception) -> UserError:
    """A group file that Hydra cannot read or merge."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return not_yaml(error.problem_mark.name, error)
    what = one_line(error).partition(", possible interpolation keys")[0]  # it lists Hydra's own
    return UserError(f"the config files cannot be composed: {what}", None)


def not_yaml(path: Path | str, error: Exception) -> UserError:
    """A file that YAML cannot read; the line is named when it is known."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return UserError(f"{path} is not YAML: line {error.problem_mark.line + 1}: {error.problem}.", None)
    return UserError(f"{path} is not YAML: {one_line(error)}", None)


def unresolved(error: Exception) -> UserError:
    """A `${…}` that leads nowhere."""
    if missing := re.search(r"Interpolation key '([^']+)' not found", str(error)):
        return UserError(f"`{missing[1]}` is not set, and another setting takes its value from it.", None)
    return UserError(f"the config cannot be resolved: {one_line(error)}", None)


def one_line(error: Exception) -> str:
    """The first line of what an error says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
