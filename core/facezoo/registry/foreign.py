"""The one door to code that is not facezoo's: whatever goes wrong behind it is one `FacezooError` that names
its owner.

Every call of a plug-in (imports, records, settings, factories, a head's methods) stands in a `with` block of
`Contained`; observers, which are muted rather than refused, use `noted`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final

from facezoo._words import first_line
from facezoo.errors import FacezooError

IN_ITS_CODE: Final = "`facezoo --traceback ...` shows where in its code."
"""The hint where a plug-in that was loaded fails in its own work."""


class Contained:
    """A block that calls foreign code. What is raised in it becomes `FacezooError("TROUBLE: what was raised",
    hint)`, from the original.

    Passed on are: `FacezooError`; KeyboardInterrupt, which is the user's (`Interrupted` is one); and torch's
    OutOfMemoryError, which is nobody's mistake and which training loops catch to try a smaller batch. Where
    nothing is raised it costs well under a microsecond. It holds no state: one may be used again and again.
    """

    __slots__ = ("hint", "trouble")

    def __init__(self, trouble: str, hint: str = "") -> None:
        self.trouble = trouble
        self.hint = hint

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if error is not None and not _is_passed_on(error):
            raise FacezooError(f"{self.trouble}: {first_line(error)}", self.hint) from error


def _is_passed_on(error: BaseException) -> bool:
    # torch's error goes by its name: this module does without torch
    return isinstance(error, FacezooError | KeyboardInterrupt) or type(error).__name__ == "OutOfMemoryError"


@contextmanager
def noted(note: Callable[[BaseException], None]) -> Iterator[None]:
    """A block that calls foreign code and ends where that raises: `note` is given what was raised, whatever
    it is. KeyboardInterrupt alone is passed on.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 (foreign code may raise anything)
        note(error)
