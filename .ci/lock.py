"""Writes, or checks, a constraints file by a dry run of pip's resolver: nothing is installed.

`python .ci/lock.py constraints.txt` resolves anew; with `--check` it asks whether the file still resolves.
"""

import json
import subprocess
import sys
from pathlib import Path

# `===` takes the wheel without a local label: its metadata names the CUDA packages too, so that they are
# pinned for GPU machines. A constraint on a package that nothing asks for does nothing.
TARGETS = {
    "constraints.txt": ["torch===2.13.0", ".[dev,deepspeed,trackio,tensorboard]"],
    "constraints-vllm.txt": ["torch===2.13.0", ".[dev,vllm]"],
}
NOTES = {
    "constraints.txt": "Every version that r1 is tested with, for all extras but vllm.",
    "constraints-vllm.txt": "The versions for the extra vllm: trl 1.16 takes vllm 0.22 to 0.31,\n"
    "# and vllm holds transformers back.",
}
DRY_RUN = ["install", "-qq", "--dry-run", "--ignore-installed", "--report", "-"]


def resolve(requirements: list[str]) -> dict[str, str]:
    """Name -> version of all that pip would install into an empty environment."""
    command = [sys.executable, "-m", "pip", *DRY_RUN, *requirements, "pip"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    found = [item["metadata"] for item in json.loads(done.stdout)["install"]]
    return {item["name"]: item["version"] for item in found if item["name"] != "r1cli"}


def render(name: str, versions: dict[str, str]) -> str:
    """The file's text: a header that says how it was made, then one pin per line."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    header = [
        f"# {NOTES[name]}",
        f"# Made by `make lock` with pip {versions['pip']} and Python {python} on Linux x86-64: a dry run of",
        f"# `pip install {' '.join(TARGETS[name])}`.",
        "# It only limits versions: nothing here is installed unless something asks for it.",
    ]
    pins = sorted((f"{package}=={version}" for package, version in versions.items()), key=str.lower)
    return "\n".join([*header, *pins, ""])


def main(arguments: list[str]) -> None:
    """Write the named file, or with `--check` resolve against it and say which pair it gives."""
    name = arguments[-1]
    if "--check" not in arguments:
        Path(name).write_text(render(name, resolve(TARGETS[name])))
        return
    versions = resolve([*TARGETS[name], "--constraint", name])
    pair = ", ".join(f"{p} {versions[p]}" for p in ("trl", "vllm", "transformers", "torch") if p in versions)
    sys.stdout.write(f"{name} resolves: {pair} ({len(versions)} packages)\n")


if __name__ == "__main__":
    main(sys.argv[1:])
