"""The one class of errors that facezoo raises for what a user can mend."""

from __future__ import annotations


class FacezooError(Exception):
    """Something a user did, or has installed, that facezoo cannot go on with.

    `message` names the thing, its owner and the value; `hint` says what to do about it. The command line
    prints both without a traceback and ends with exit code 2; a library user catches this one class.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message
