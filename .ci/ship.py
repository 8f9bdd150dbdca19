"""Put the model of a finished `r1 train base` run into the package: `python .ci/ship.py RUN_DIR nano`.

Copies `model/` to `r1cli/nano/weights/NAME` and writes `provenance.json` beside it: what made it, with which
settings, and the SHA-256 of every file. tests/test_nano_weights.py holds the package to it.
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path

from r1cli.runs.files import write_json
from r1cli.runs.run import Run

WEIGHTS = Path(__file__).parent.parent / "r1cli" / "nano" / "weights"
KEPT = ("stage", "seed", "config_digest", "packages", "machine", "result")


def ship(run: Run, name: str) -> Path:
    """Replace the shipped model called `name`; the run must be done."""
    manifest = json.loads((run.dir / "manifest.json").read_text())
    if manifest["status"] != "done" or manifest["stage"] != "base":
        raise SystemExit(f"{run.dir} is not a finished run of stage base")
    home, part = WEIGHTS / name, WEIGHTS / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(run.model, part)
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(part.iterdir())}
    measured = [
        json.loads(line) for line in run.metrics.read_text().splitlines() if '"eval/accuracy"' in line
    ]
    probe = {key: value for key, value in measured[-1].items() if key.startswith(("probe/", "eval/"))}
    write_json(
        part / "provenance.json",
        {"command": f"r1 train base model={name} seed={manifest['seed']}"}
        | {key: manifest[key] for key in KEPT}
        | {"measured": probe, "sha256": files},
    )
    shutil.rmtree(home, ignore_errors=True)
    part.rename(home)
    return home


if __name__ == "__main__":
    print(ship(Run(Path(sys.argv[1])), sys.argv[2]))
