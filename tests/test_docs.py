"""The documents say what is: links, paths, commands and names in them are checked against the program.

What docs/design.md says to do to add things is done, to the letter, in tests/test_newcomer.py.
"""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from newcomer import fences, names_in
from test_rollouts import batch
from typer.testing import CliRunner

from r1cli.cli import app
from r1cli.config import compose, groups
from r1cli.metrics import aha
from r1cli.metrics.rollouts import step_metrics
from r1cli.nano.probes import probe
from r1cli.runs import store
from r1cli.stages.output import sample_row

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in PAGES}
PAPER, METRICS = TEXTS["docs/paper.md"], TEXTS["docs/metrics.md"]
PROSE = {name: re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S) for name, text in TEXTS.items()}
"""The pages without their code blocks."""
NEW_FILES = {fence.file for fence in fences() if fence.language != "diff"}


class Command(NamedTuple):
    """A command line that a page shows."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        """As it is typed, with its page, for the name of the test."""
        return f"{self.page}: {shlex.join(self.words)}"


def commands() -> Iterator[Command]:
    """Every whole `r1 …` in a shell block or between backticks; those with an ellipsis are no commands."""
    for page, text in TEXTS.items():
        shell = "\n".join(re.findall(r"^```bash\n(.*?)^```$", text, re.M | re.S))
        spans = re.findall(r"`(r1 [^`\n]+)`", PROSE[page])
        for line in [*shell.splitlines(), *spans]:
            if line.startswith("r1 ") and "…" not in line:
                yield Command(page, tuple(shlex.split(line, comments=True)[1:]))


def of_the_examples(command: Command) -> bool:
    """Whether a command needs what a block of design.md adds; tests/test_newcomer.py runs those."""
    return any(Path(file).stem in word for word in command.words for file in NEW_FILES)


NAMES = (["train"], ["run"], ["runs", "show"], ["resume"])
COMMANDS = sorted({command for command in commands() if not of_the_examples(command)})


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_every_command_is_one(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lay_out(tmp_path)
    for word in command.words:
        if match := re.search(r"=(\w[\w.-]*\.(?:gguf|jsonl))$", word):
            (tmp_path / match[1]).write_text(content(match[1]))
    stand_ins = {"DIR": "weights", "FILE": "weights.gguf", "FILE.gguf": "weights.gguf", "ID": "0001"}
    words = [re.sub(r"(?<![^=])[A-Z]+(\.gguf)?$", lambda m: stand_ins[m[0]], w) for w in command.words]
    if words in NAMES:
        words.append("--help")  # the text speaks of the command, not of a call
    elif words[0] in ("train", "run") and not {"--cfg", "--dry-run", "--help"} & set(words):
        words.append("--dry-run")
    done = CliRunner().invoke(app, words, prog_name="r1")
    assert done.exit_code == 0, f"{words}: {done.output}"


def content(name: str) -> str:
    """What a file of this name holds, as far as it is looked at before a run: rows, or nothing."""
    rows = [{"question": f"{name}: what is {n} + 1?", "answer": f"so it is\n#### {n + 1}"} for n in range(40)]
    return "\n".join(map(json.dumps, rows)) if name.endswith(".jsonl") else "{}"


def lay_out(folder: Path) -> None:
    """What the commands name: a model directory, a GGUF file, a finished run 0001 with its config."""
    (folder / "weights").mkdir()
    for name in ("weights/config.json", "weights/model.safetensors", "weights.gguf"):
        (folder / name).write_text("{}")
    config = compose.load("zero", ["model=hub", "model.path=weights"])
    run = store.create(config, compose.to_yaml(config), "3f9c1a", ["r1", "train", "zero"])
    assert run.id == "0001-zero-3f9c1a"  # as the pages call it
    run.finish("done")


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M))
    named = {name for text in TEXTS.values() for name in re.findall(r"(?:^|`)make ([a-z-]+)", text, re.M)}
    assert {"zero", "test"} <= named <= targets


# ── links and paths ──


def _anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", TEXTS)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", PROSE[page]):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        place = (ROOT / page).parent / path if path else ROOT / page
        assert place.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in _anchors(place.read_text()), f"{page}: {target}"


@pytest.mark.parametrize("page", TEXTS)
def test_every_path_exists(page: str) -> None:
    found = re.findall(r"`((?:r1cli|tests|conf|recipes)/[\w./-]+)", PROSE[page])
    assert [path for path in found if path not in NEW_FILES and not (ROOT / path).exists()] == []


def _defined(path: Path) -> set[str]:
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)}


def test_every_function_and_test_named_in_the_paper_page_exists() -> None:
    named = re.findall(r"`((?:r1cli|tests)/[\w/]+\.py)::?(\w+)", PAPER)
    assert len(named) > 40
    assert [(path, name) for path, name in named if name not in _defined(ROOT / path)] == []


def test_every_config_line_named_in_the_paper_page_exists() -> None:
    named = re.findall(r"`(conf/[\w./-]+\.yaml): ([\w.]+)`", PAPER)
    assert len(named) > 20
    for path, key in named:
        node = yaml.safe_load((ROOT / path).read_text())
        for part in key.split("."):
            assert part in node, f"{path}: {key}"
            node = node[part]


def test_functions_named_with_their_file_in_the_other_pages_exist() -> None:
    for page in ("docs/design.md", "docs/metrics.md", "docs/configuration.md"):
        named = re.findall(r"`(\w+)` (?:in|of)\s+\[?`(r1cli/[\w/]+\.py)`", PROSE[page])
        assert named, page
        for name, path in named:
            assert re.search(rf"\b{name}\b", (ROOT / path).read_text()), f"{page}: {name} in {path}"


def test_the_parts_are_in_the_readme_and_the_design() -> None:
    from test_architecture import LAYERS

    rows = re.findall(r"^\| \d \| (.+?) \|", TEXTS["docs/design.md"], re.M)
    told = [set(re.findall(r"`(\w+)`", row)) for row in rows]
    assert told == [set(layer) - {"__init__", "__main__"} for layer in LAYERS]
    tree = re.search(r"^conf/ .*?^```$", TEXTS["README.md"], re.M | re.S)
    assert tree is not None
    for part in set().union(*told):
        assert re.search(rf"\b{part}(/|\.py)", tree[0]), part


def test_the_pages_speak_of_the_project_only() -> None:
    for page, text in TEXTS.items():
        assert not re.search(r"/(work|tmp|home|root)/|\bTODO\b", text), page
    assert len(TEXTS["README.md"].splitlines()) <= 150


# ── values ──


def test_the_groups_and_their_files_are_listed() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", TEXTS["docs/configuration.md"], re.M)
    told = {group: set(re.findall(r"`([^`]+)`", files)) for group, files in rows}
    options = groups.options([groups.conf_dir()])
    assert {group: told[group] for group in groups.GROUPS} == {g: set(names) for g, names in options.items()}


@pytest.mark.parametrize(
    ("row", "model", "setting"),
    [
        ("questions a step", "nano", "prompts_per_step"),
        ("questions a step", "qwen2.5-1.5b", "prompts_per_step"),
        ("outputs a question", "nano", "group_size"),
        ("outputs a question", "qwen2.5-1.5b", "group_size"),
        ("outputs a question", "smollm2-135m", "group_size"),
        ("learning rate", "nano", "learning_rate"),
        ("learning rate", "qwen2.5-1.5b", "learning_rate"),
        ("learning rate", "qwen2.5-7b", "learning_rate"),
        ("learning rate", "smollm2-135m", "learning_rate"),
        ("length limit", "nano", "max_completion_tokens"),
        ("length limit", "qwen2.5-1.5b", "max_completion_tokens"),
    ],
)
def test_deviations_quote_the_settings_as_they_are(row: str, model: str, setting: str) -> None:
    value = compose.load("zero", [f"model={model}"]).model.rl.model_dump()[setting]
    written = (
        f"{value:,}" if isinstance(value, int) else f"{value:.1e}".replace(".0e", "e").replace("e-0", "e-")
    )
    found = re.search(rf"^\| {row} \| [^|]+ \| ([^|]+) \|", PAPER, re.M)
    assert found is not None and re.search(rf"(?<![\d.]){written}(?!\d)", found[1]), (found, written)


# ── names of metrics ──


def plain(names: set[str]) -> set[str]:
    """The names with `<…>` for what a config or a word list decides."""
    terms = {"reward/total", "reward/std"}
    names = {n if n in terms else re.sub(r"^reward/\w+$", "reward/<term>", n) for n in names}
    return {re.sub(r"^aha/word/\w+$", "aha/word/<word>", name) for name in names}


def test_metrics_of_the_completions_are_documented_and_no_others() -> None:
    assert names_in("Measured from the completions") == plain(set(step_metrics(batch())))


def test_fields_of_a_sample_are_documented_and_no_others() -> None:
    assert names_in("samples.jsonl") == set(sample_row(1, "train", batch()[0], "the prompt"))


def test_probes_of_a_base_are_documented_and_no_others() -> None:
    texts = ["3 + 4 = 7 . check 7 vs 7 : yes .", "3 + 4 = 7 . check 7 vs 9 : no .", "3 + 4 = 7 ."]
    found = probe(texts, [True, False, True]).numbers()
    assert names_in("Rows of `r1 train base`") == {f"probe/{name}" for name in found}


def test_the_word_lists_are_quoted_as_they_are() -> None:
    text = " ".join(METRICS.partition("## Word lists, version ")[2].partition("\n## ")[0].split())
    assert text.startswith(aha.VERSION + " ")
    for words in (aha.DEEPSEEK, aha.STRICT, aha.PHRASE):
        assert f": {', '.join(words)}." in text


# ── TRL's defaults ──

DERIVED = {
    "generation_batch_size",
    "steps_per_generation",
    "distributed_state",
    "mixed_precision",
    "activation_checkpointing",
}
"""Options that TRL works out from the others; the last is the new name of gradient_checkpointing."""


@pytest.mark.slow
def test_every_difference_from_trls_defaults_is_documented_and_no_other(tmp_path: Path) -> None:
    from trl import GRPOConfig

    from r1cli.stages.zero import trl_args

    theirs = vars(GRPOConfig(output_dir=str(tmp_path), use_cpu=True))
    differing: set[str] = set()
    for model in ("nano", "qwen2.5-1.5b"):
        ours = vars(trl_args(compose.load("zero", [f"model={model}"]), tmp_path, [1.0, 1.0]))
        differing |= {name for name in theirs if name[0] != "_" and ours[name] != theirs[name]}
    table = PAPER.partition("## Differences from TRL's defaults")[2].partition("\n\n`zero-paper`")[0]
    first_cells = re.findall(r"^\| (`[^|]+`) \|", table, re.M)
    told = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}
    assert differing - DERIVED - told == set()
    assert told - differing <= {"num_train_epochs", "log_completions", "bf16", "use_cpu"}
