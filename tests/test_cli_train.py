"""The `r1` command from outside: words in; text, exit code and files out."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import r1cli
from r1cli.cli import app


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("R1_RUNS", raising=False)


@pytest.fixture
def weights(tmp_path: Path) -> str:
    """What looks like a model directory from outside, as an override."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return f"model.path={folder}"


class Said(tuple[int, str, str]):
    """Exit code, stdout, stderr."""


def r1(*words: str) -> Said:
    done = CliRunner().invoke(app, words, prog_name="r1")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Said((done.exit_code, done.stdout, done.stderr))


def fresh_python(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(Path(r1cli.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout


# ── quick and light ──


def test_help_and_version_load_nothing_heavy() -> None:
    heavy = (
        "torch",
        "transformers",
        "trl",
        "hydra",
        "omegaconf",
        "pydantic",
        "datasets",
        "matplotlib",
        "yaml",
    )
    code = (
        "import sys; from r1cli.cli import app\n"
        "try: app(['WORD'], prog_name='r1')\n"
        f"except SystemExit: print([name for name in {heavy!r} if name in sys.modules])"
    )
    for word in ("--help", "--version"):
        assert fresh_python(code.replace("WORD", word)).strip().endswith("[]"), word


def test_help_takes_less_than_a_third_of_a_second() -> None:
    def seconds() -> float:
        start = time.perf_counter()
        fresh_python("from r1cli.cli import app\ntry: app(['--help'])\nexcept SystemExit: pass")
        return time.perf_counter() - start

    assert min(seconds() for _ in range(5)) < 0.3  # the least of five: the machine may be busy


def test_version_and_help() -> None:
    assert r1("--version") == (0, f"r1 {r1cli.__version__}\n", "")
    code, out, _ = r1("--help")
    assert code == 0 and "train" in out and "run" in out


# ── --cfg and --dry-run ──


def test_cfg_prints_a_config_that_reads_back(tmp_path: Path) -> None:
    code, out, err = r1("train", "zero", "model=qwen2.5-1.5b", "stage.learning_rate=2e-6", "--cfg")
    assert (code, err) == (0, "")
    assert yaml.safe_load(out)["stage"]["learning_rate"] == 2e-6
    (tmp_path / "saved.yaml").write_text(out)
    assert r1("train", "--config", "saved.yaml", "--cfg") == (0, out, "")
    code, changed, _ = r1("train", "--config", "saved.yaml", "seed=5", "--cfg")
    assert code == 0 and yaml.safe_load(changed)["seed"] == 5
    assert r1("train", "zero", "--config", "saved.yaml", "--cfg")[0] == 0
    assert not (tmp_path / "runs").exists()


def test_dry_run_says_what_would_happen_and_starts_nothing(tmp_path: Path, weights: str) -> None:
    words = ["stage.steps=10", "stage.prompts_per_step=4", "stage.group_size=8", "stage.micro_batch=16"]
    words += ["stage.max_completion_tokens=100", "stage.eval.problems=20", "stage.eval.samples=2"]
    code, out, err = r1("train", "zero", weights, *words, "stage.eval.every=4", "--dry-run")
    assert (code, err) == (0, "")
    lines = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in out.splitlines() if "  " in line)
    assert lines["stage"].startswith("zero (GRPO), 10 steps")
    assert str(tmp_path / "weights") in lines["model"]
    # 4 prompts x 8 = 32 completions = 2 passes of 16; 10 steps make 320; x 100 tokens = 32,000
    assert (
        lines["batch"] == "4 prompts x 8 completions = 32 a step = 1 process x 2 x 16 (passes x micro-batch)"
    )
    assert lines["completions"] == "32 a step, 320 in all"
    assert lines["tokens"] == "at most 32,000 (100 each)"
    # before, after 4, after 8, after 10: 4 times 20 x 2 x 100 = 16,000 tokens
    assert lines["evaluation"] == (
        "20 held-out problems x 2, 4 times (before, every 4 steps, after): at most 16,000 tokens"
    )
    assert re.fullmatch(r"runs/0001-zero-[0-9a-f]{6}/", lines["would write"])
    assert "nothing was started" in out and not (tmp_path / "runs").exists()


def test_dry_run_of_a_hub_model_says_the_revision() -> None:
    code, out, _ = r1("train", "zero", "model=qwen2.5-0.5b", "--dry-run")
    assert code == 0
    assert "Qwen/Qwen2.5-0.5B of the Hugging Face Hub at 060db6499f32faf8b98477b0a26969ef7d8b9987" in out


def test_dry_run_of_base() -> None:
    code, out, _ = r1("train", "base", "stage.documents=280", "--dry-run")
    assert code == 0 and "10 steps" in out and "280 documents" in out


def rows(path: Path, count: int) -> str:
    path.write_text(
        "".join(json.dumps({"question": f"{i} + 1?", "answer": f"{i + 1}"}) + "\n" for i in range(count))
    )
    return f"task.path={path}"


def test_dry_run_reads_a_local_task(tmp_path: Path, weights: str) -> None:
    table = rows(tmp_path / "rows.jsonl", 200)
    code, out, err = r1("train", "zero", weights, "task=table", table, "--dry-run")
    assert (code, err) == (0, "") and "rows.jsonl" in out
    few = rows(tmp_path / "few.jsonl", 20)
    code, _, err = r1("train", "zero", weights, "task=table", few, "stage.prompts_per_step=32", "--dry-run")
    assert code == 2 and "fewer than the 32 prompts of one generation" in err
    # 190 of 200 rows train; 4 x 8 = 32 = 2 passes of 16; 96 passes hold 96 x 16 / 8 = 192 prompts
    words = ["stage.prompts_per_step=4", "stage.group_size=8", "stage.micro_batch=16", "stage.save_every=0"]
    words += ["task.heldout_share=0.05", "stage.trl.steps_per_generation=96"]
    code, _, err = r1("train", "zero", weights, "task=table", table, *words, "--dry-run")
    assert code == 2 and "has 190 training problems, fewer than the 192 prompts of one generation" in err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["zero", "model=qwen"], "unknown model `qwen`"),
        (["zro"], "unknown stage `zro`. Did you mean `zero`?"),
        ([], "no stage is named"),
        (["seed=3"], "Write `r1 train zero seed=3`"),
        (["zero", "stage.groupsize=3"], "Did you mean `stage.group_size`"),
        (["zero", "model.template=nan", "model.path=weights"], "unknown template `nan`"),
        (["zero", "reward.acuracy.weight=1", "model.path=weights"], "unknown reward `acuracy`"),
        (["zero", "task=gsm8k", "task.verifier=nmber", "model.path=weights"], "unknown verifier `nmber`"),
        (["zero", "task=gsm8k", "task.path=nowhere.jsonl", "model.path=weights"], "nowhere.jsonl"),
        (["zero", "model.path=nowhere"], "nowhere"),
        (["zero", "model.path=nowhere.gguf"], "nowhere.gguf"),
        (["zero", "model.path=empty"], "config.json"),
        (["zero", "model.path=bare"], "no weights"),
        (["zero", "run_id=taken", "model.path=weights"], "exists already"),
        (["zero", "run_id=../up", "model.path=weights"], "no name for a folder"),
        (["zero", "model.path=torn"], "config.json is not JSON"),
        (["zero", "model.path=listed"], "config.json is not a JSON mapping"),
        (["zero", "model.path=weights", "model.template=chat"], "has no chat template"),
        (["zero", "model.path=weights", "task.heldout_share=1e-9"], "has no held-out problem"),
        (["base", "task.heldout_share=1e-9"], "has no held-out problem"),
        (["base", "model.template=chat"], "has no chat template"),
        (["base", "task=gsm8k"], "the corpus is about Countdown"),
        (["zero", "model.path=weights", "runs_dir=/proc/x"], "cannot write /proc/x: "),
        (["zero", "model.path=weights", "runs_dir=weights/config.json/x"], "is a file, not a folder"),
        (["zero", "model.path=weights", "stage.trl.num_iterations=0"], "stage.trl.num_iterations=0"),
        (["zero", "model.path=weights", "logger.group=${oc.env:HOME}"], "`logger.group` holds"),
        (["--config", "nowhere.yaml"], "there is no config nowhere.yaml"),
        (["zero", "--config-dir", "nowhere"], "no such folder"),
    ],
)
def test_mistakes_exit_with_2_and_two_lines(
    tmp_path: Path, weights: str, words: list[str], part: str
) -> None:
    (tmp_path / "runs" / "taken").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text("{}")
    for name, text in (("torn", '{"a": '), ("listed", "[1]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(text)
        (tmp_path / name / "model.safetensors").write_bytes(b"")
    for dry in ([], ["--dry-run"]):
        code, out, err = r1("train", *words, *dry)
        assert (code, out) == (2, "") and part in err
        assert err.startswith("error: ") and len(err.splitlines()) <= 2 and "Traceback" not in err
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["taken"]


@pytest.mark.parametrize(
    ("file", "text"),
    [("chat_template.jinja", "{{ x }}"), ("tokenizer_config.json", '{"chat_template": "x"}')],
)
def test_a_chat_template_is_found(tmp_path: Path, weights: str, file: str, text: str) -> None:
    (tmp_path / "weights" / file).write_text(text)
    assert r1("train", "zero", weights, "model.template=chat", "--dry-run")[0] == 0


def test_dry_run_leaves_the_folder_of_runs_as_it_was(tmp_path: Path, weights: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert r1("train", "zero", weights, "runs_dir=a/b/c", "--dry-run")[0] == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_a_malformed_row_is_named(tmp_path: Path, weights: str) -> None:
    (tmp_path / "rows.jsonl").write_text('{"question": "1 + 1?", "answer": "2"}\n{"question": \n')
    code, _, err = r1("train", "zero", weights, "task=table", "task.path=rows.jsonl", "--dry-run")
    assert code == 2 and "rows.jsonl" in err and "2" in err


def test_unknown_options_and_commands_exit_with_2() -> None:
    assert r1("train", "zero", "--sede=3")[0] == 2
    assert r1("trian")[0] == 2
