"""How a command ends: every failure becomes one or two lines and an exit code, never a traceback."""

import errno
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from r1cli.errors import UserError

MISTAKE, FAILURE, INTERRUPTED, RESUMABLE = 2, 1, 130, 75
"""Exit codes: the user can mend it; a fault of ours or the machine; Ctrl-C; stopped in order, resumable."""


class Guard:
    """What a command tells its guard while it works."""

    def __init__(self) -> None:
        self.log: Path | None = None
        """File that holds, or gets, the traceback of an unexpected error; None makes a temporary one."""
        self.resume: str | None = None
        """Id of the run that an interrupted command can go on with."""


@contextmanager
def guard() -> Iterator[Guard]:
    """Turn whatever a command raises into a message on stderr and an exit code."""
    state = Guard()
    try:
        yield state
    except (typer.Exit, typer.Abort):
        raise
    except UserError as error:
        raise _end(f"error: {error}", MISTAKE) from error
    except KeyboardInterrupt as error:
        raise _interrupted(error, state) from error
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of a pipe (`| head`) has gone: Typer ends quietly
            raise
        raise (_refused(error) or _unexpected(error, state)) from error
    except Exception as error:
        raise _unexpected(error, state) from error


def _interrupted(error: KeyboardInterrupt, state: Guard) -> typer.Exit:
    from r1cli.stages.stop import Interrupted

    go_on = f" Go on with `r1 resume {state.resume}`." if state.resume else ""
    return _end(f"interrupted.{go_on}", RESUMABLE if isinstance(error, Interrupted) else INTERRUPTED)


def _refused(error: OSError) -> typer.Exit | None:
    """What the disk refused, in the words of `runs.files`; None for another kind of failure."""
    from r1cli.runs.files import FAILURES

    if error.errno not in FAILURES:
        return None
    reason, hint = FAILURES[error.errno]
    where = f"{error.filename}: " if error.filename else ""
    return _end(f"error: {where}{reason}.\n{hint}", MISTAKE)


def _unexpected(error: Exception, state: Guard) -> typer.Exit:
    first = (str(error).strip().splitlines() or [""])[0]
    text = f"error: {type(error).__name__}: {first}" if first else f"error: {type(error).__name__}"
    return _end(f"{text}\nThe traceback is in {_written(error, state.log)}.", FAILURE)


def _written(error: Exception, log: Path | None) -> Path | str:
    """Where the traceback was written; a temporary file when the run's own log cannot be."""
    text = "".join(traceback.format_exception(error))
    try:
        if log is None:
            with tempfile.NamedTemporaryFile("w", prefix="r1-", suffix=".log", delete=False) as fresh:
                fresh.write(text)
            return Path(fresh.name)
        if not log.exists() or text.rstrip().splitlines()[-1] not in log.read_text():  # a stage logs its own
            with log.open("a") as file:
                file.write(text)
        return log
    except OSError:
        return "no file, as none could be written"


def _end(text: str, code: int) -> typer.Exit:
    typer.echo(text, err=True)
    return typer.Exit(code)
