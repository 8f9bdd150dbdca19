"""One rank of a run: `python -m r1cli.stages.worker RUN_DIR`, started by `launch`."""

import os
import sys
from pathlib import Path
from threading import Thread

from r1cli import stages
from r1cli.config import compose
from r1cli.errors import UserError
from r1cli.runs.run import Run
from r1cli.stages.launch import MISTAKE, RESUMABLE, SAYS
from r1cli.stages.process import prepare
from r1cli.stages.stop import Interrupted, StopRequest


def main(directory: str) -> int:
    """Run the stage of a run directory that the parent has made and locked; the exit code is the outcome."""
    run = Run(Path(directory))
    config = compose.from_saved(run.config)
    prepare(config, run)
    Thread(target=_leave_with_parent, daemon=True).start()
    try:
        with StopRequest() as stop:
            stages.STAGES[config.stage.kind](config, run, (), stop)
    except Interrupted:
        return RESUMABLE
    except UserError as error:
        sys.stderr.write(f"{SAYS}{error}\n")
        return MISTAKE
    return 0


def _leave_with_parent() -> None:
    """End this process when its parent is gone: a resumed run must not meet workers of the old one."""
    os.read(0, 1)  # not sys.stdin, whose lock this thread would hold while the interpreter ends
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
