"""A wheel installed elsewhere works like the checkout: settings, recipes and embedded models are inside."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]

pytestmark = pytest.mark.slow


def _run(command: list[str], cwd: Path, **environment: str) -> str:
    done = subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _build_wheel(source: Path, into: Path) -> Path:
    """Without isolation and index: hatchling is taken from this environment, so there is no network."""
    offline = ["--no-deps", "--no-build-isolation", "--no-index"]
    _run([*PIP, "wheel", *offline, "--wheel-dir", str(into), str(source)], cwd=into)
    (wheel,) = into.glob("r1cli-*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    _run([*PIP, "install", "--no-deps", "--no-index", "--target", str(folder), str(wheel)], cwd=folder)
    return folder


def _contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _files(folder: str) -> set[str]:
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in found if "__pycache__" not in path.parts}


def test_the_wheel_has_code_settings_recipes_and_weights(wheel: Path) -> None:
    inside = _contents(wheel)
    expected = _files("r1cli") | {f"r1cli/{name}" for name in _files("conf") | _files("recipes")}
    assert expected - inside == set()
    assert "r1cli/conf/config.yaml" in inside
    assert any(name.startswith("r1cli/recipes/") for name in inside)
    assert any(name.startswith("r1cli/nano/weights/") and name.endswith(".safetensors") for name in inside)


def test_the_wheel_has_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in _contents(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"r1cli"}


def test_a_wheel_made_from_the_sdist_is_the_same(wheel: Path, tmp_path: Path) -> None:
    _run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)], cwd=ROOT)
    (sdist,) = tmp_path.glob("r1cli-*.tar.gz")
    assert _contents(_build_wheel(sdist, tmp_path)) == _contents(wheel)


def test_the_installed_wheel_composes_the_same_config(site: Path, tmp_path: Path) -> None:
    where = _run(
        [sys.executable, "-c", "import r1cli; print(r1cli.__file__)"], tmp_path, PYTHONPATH=str(site)
    )
    assert Path(where.strip()) == site / "r1cli" / "__init__.py"
    command = [sys.executable, "-m", "r1cli", "train", "zero", "--cfg"]
    installed = _run(command, tmp_path, PYTHONPATH=str(site))
    checkout = _run(command, tmp_path, PYTHONPATH=str(ROOT))
    assert "group_size:" in installed
    assert installed == checkout
