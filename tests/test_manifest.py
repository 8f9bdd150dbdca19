"""The manifest reads back, keeps what it does not know, and says where it is damaged."""

import json
import subprocess
from pathlib import Path

import pytest
from toy_runs import toy_run

import r1cli
from r1cli.errors import UserError
from r1cli.runs import manifest as manifests
from r1cli.runs import provenance


def test_first_manifest(tmp_path: Path) -> None:
    run = toy_run(tmp_path / "runs")
    manifest = manifests.read(run.dir / "manifest.json")
    assert (manifest.status, manifest.attempts, manifest.seconds) == ("running", 1, 0.0)
    assert (manifest.stage, manifest.model, manifest.task, manifest.seed) == ("zero", "nano", "countdown", 7)
    assert manifest.command == ["r1", "train", "zero"]
    assert manifest.created.utcoffset() is not None
    assert manifest.packages["r1cli"] == r1cli.__version__
    assert manifest.machine.cores >= 1


def test_fields_of_a_newer_r1_survive_a_rewrite(tmp_path: Path) -> None:
    run = toy_run(tmp_path / "runs")
    path = run.dir / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"carbon": 1.5}))
    run.finish("done")
    assert json.loads(path.read_text())["carbon"] == 1.5


def test_a_damaged_manifest_names_the_field(tmp_path: Path) -> None:
    path = toy_run(tmp_path / "runs").dir / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "great"}))
    with pytest.raises(UserError, match=r"manifest\.json: status: Input should be 'running', 'done'"):
        manifests.read(path)
    path.write_text('{"id": ')
    with pytest.raises(UserError, match="Invalid JSON"):
        manifests.read(path)


def test_no_manifest_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a run directory"):
        manifests.read(tmp_path / "manifest.json")


def test_packages_that_are_missing_are_left_out() -> None:
    versions = provenance.packages(["pydantic", "no-such-package-anywhere"])
    assert sorted(versions) == ["pydantic", "python", "r1cli"]


def _repository(folder: Path) -> Path:
    """A git repository with r1's package in it, committed."""
    package = folder / "r1cli"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *words], check=True)
    return package


def test_commit_is_dirty_by_code_and_not_by_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = _repository(tmp_path)
    monkeypatch.setattr(r1cli, "__file__", str(package / "__init__.py"))
    clean = provenance.commit()
    assert clean is not None and len(clean) == 40
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "notes.txt").write_text("untracked")
    assert provenance.commit() == clean
    (package / "new.py").write_text("")  # untracked code can change a run
    assert provenance.commit() == f"{clean}-dirty"


def test_commit_of_another_project_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _repository(tmp_path)
    installed = tmp_path / "venv" / "r1cli"  # a virtual environment inside somebody's repository
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    monkeypatch.setattr(r1cli, "__file__", str(installed / "__init__.py"))
    assert provenance.commit() is None


def test_without_git_or_gpu_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert provenance.commit() is None
    assert provenance.machine().gpus == []
