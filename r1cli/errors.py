"""The one error a user is meant to read: what was wrong, what is allowed, what to do next."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake the user can mend. The CLI prints its text, without a traceback, and exits with code 2.

    `message` says what was wrong and what is allowed; `hint` (optional, one line) says what to do next.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\n{hint}")
        self.message = message
        self.hint = hint


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed word a user most likely meant, or None when nothing is close."""
    close = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.5)
    return close[0] if close else None


def unknown(what: str, word: str, allowed: Iterable[str], hint: str | None = None) -> UserError:
    """A `UserError` for a name that does not exist, with the nearest one that does."""
    names = sorted(allowed)
    guess = nearest(word, names)
    meant = f" Did you mean `{guess}`?" if guess else ""
    return UserError(f"unknown {what} `{word}`.{meant} Known: {', '.join(names)}.", hint)
