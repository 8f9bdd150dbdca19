"""The house rules that a reader relies on, checked by reading the source: layers, sizes, forbidden calls."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "r1cli"

# Imports go only downwards, or sideways without a circle. A new part of r1cli gets its place here.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"__init__", "errors", "problem", "prompts", "metrics"}),
    frozenset({"config"}),
    frozenset({"verifiers", "tasks", "rewards", "nano"}),
    frozenset({"runs"}),
    frozenset({"report"}),
    frozenset({"stages"}),
    frozenset({"cli", "__main__"}),
)
LAYER_OF = {part: number for number, layer in enumerate(LAYERS) for part in layer}

TRAINING = frozenset(
    {"torch", "transformers", "trl", "datasets", "accelerate", "peft", "wandb", "vllm", "deepspeed"}
)
LAZY = TRAINING | {
    "huggingface_hub",
    "hydra",
    "omegaconf",
    "matplotlib",
    "pyarrow",
    "math_verify",
    "pandas",
    "sympy",
}
"""Slow to import: outside of stages only inside a function, so that `r1 --help` stays quick."""
EXCEPTIONS = {("tasks/hub.py", "datasets")}
"""A table from the Hub is read where tables are read."""
ONLY_IN = {"hydra": "config/compose.py"}

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50

SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


class Import(NamedTuple):
    """One imported module as written in `file` at `line`; `top` when it runs as the file is imported."""

    file: str
    line: int
    module: str
    top: bool


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _part(relative: str) -> str:
    return relative.split("/")[0].removesuffix(".py")


def _modules(node: ast.AST, path: Path) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        package = ["r1cli", *path.relative_to(PACKAGE).parts[:-1]]
        base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
    if base == "r1cli":  # `from r1cli import tasks` names the part in its list
        return [f"r1cli.{alias.name}" for alias in node.names]
    return [base]


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _walk(node: ast.AST, top: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        lazy = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _is_type_checking(
            child
        )
        yield child, top and not lazy
        yield from _walk(child, top and not lazy)


def _imports(paths: list[Path]) -> list[Import]:
    return [
        Import(_name(path), node.lineno, module, top)
        for path in paths
        for node, top in _walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in _modules(node, path)
    ]


IMPORTS = _imports(SOURCES)


def _internal() -> list[tuple[Import, str, str]]:
    """Imports between different parts of r1cli: the import, its part, the part it asks for."""
    own = [(i, _part(i.file), i.module.split(".")[1]) for i in IMPORTS if i.module.startswith("r1cli.")]
    # `from r1cli import __version__` asks for the package itself.
    known = [(i, source, target if target in LAYER_OF else "__init__") for i, source, target in own]
    return [(i, source, target) for i, source, target in known if source != target]


def test_every_part_has_a_layer() -> None:
    assert {_part(_name(path)) for path in SOURCES} - set(LAYER_OF) == set()


def test_imports_go_only_downwards() -> None:
    upward = [
        f"{i.file}:{i.line} imports {i.module}"
        for i, source, target in _internal()
        if LAYER_OF[target] > LAYER_OF[source]
    ]
    assert upward == []


def test_parts_do_not_import_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for _, source, target in _internal():
        graph.setdefault(source, set()).add(target)
    while leaves := {target for needs in graph.values() for target in needs} - set(graph):
        graph = {source: needs - leaves for source, needs in graph.items()}
        graph = {source: needs for source, needs in graph.items() if needs}
    assert graph == {}


def test_only_stages_import_the_training_libraries() -> None:
    found = [
        f"{i.file}:{i.line} imports {i.module}"
        for i in IMPORTS
        if i.module.split(".")[0] in TRAINING
        and _part(i.file) != "stages"
        and (i.file, i.module.split(".")[0]) not in EXCEPTIONS
    ]
    assert found == []


def test_slow_libraries_are_imported_inside_functions() -> None:
    found = [
        f"{i.file}:{i.line} imports {i.module} as it loads"
        for i in IMPORTS
        if i.top
        and i.module.split(".")[0] in LAZY
        and _part(i.file) != "stages"
        and i.file != ONLY_IN["hydra"]
    ]
    assert found == []


def test_hydra_is_known_to_one_file() -> None:
    assert {i.file for i in IMPORTS if i.module.split(".")[0] == "hydra"} <= {ONLY_IN["hydra"]}


def test_every_imported_library_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    distributions = packages_distributions()
    imported = {i.module.split(".")[0] for i in IMPORTS} - set(sys.stdlib_module_names) - {"r1cli"}
    missing = {
        module
        for module in imported
        if not declared & {canonicalize_name(name) for name in distributions.get(module, [module])}
    }
    assert missing == set()


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_FILE_LINES
    long = [
        f"{node.name}: {(node.end_lineno or node.lineno) - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert long == []


def _called(node: ast.AST) -> str | None:
    """The bare name of what is called: `eval(...)`, but not `model.eval()`."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None


def _mentions(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.alias):
        return node.name.split(".")[-1]
    return node.id if isinstance(node, ast.Name) else None


def _places(paths: list[Path], wrong: frozenset[str], read: object) -> list[str]:
    assert callable(read)
    nodes = ((path, node) for path in paths for node in ast.walk(ast.parse(path.read_text())))
    return [f"{_name(path)}:{getattr(node, 'lineno', 0)}" for path, node in nodes if read(node) in wrong]


def test_no_text_is_ever_executed() -> None:
    assert _places(SOURCES, frozenset({"eval", "exec", "compile", "__import__"}), _called) == []
    executing = frozenset(
        {"sympify", "parse_expr", "instantiate", "get_method", "get_class", "import_module"}
    )
    assert _places(SOURCES, executing, _mentions) == []


def test_no_setting_names_code() -> None:
    settings = [path for folder in ("conf", "recipes") for path in (ROOT / folder).rglob("*.y*ml")]
    assert settings != []
    assert [path.name for path in settings if "_target_" in path.read_text()] == []


def test_only_cli_and_report_print() -> None:
    silent = [path for path in SOURCES if _part(_name(path)) not in {"cli", "report"}]
    assert _places(silent, frozenset({"print"}), _called) == []


def test_no_file_is_named_after_nothing() -> None:
    assert [path.name for path in SOURCES if path.stem in {"utils", "helpers", "common", "misc"}] == []


@pytest.mark.parametrize("command", [[], ["train"], ["train", "zero"], ["runs"]], ids=" ".join)
def test_help_loads_no_slow_library(command: list[str]) -> None:
    called = [sys.executable, "-X", "importtime", "-m", "r1cli", *command, "--help"]
    done = subprocess.run(called, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Usage" in done.stdout
    loaded = {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "r1cli" in loaded
    assert loaded & LAZY == set()
