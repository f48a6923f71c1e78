"""What all expected faults have in common."""

from __future__ import annotations

from typing import ClassVar

EXIT_CONFIG = 78
"""sysexits.h EX_CONFIG: the set-up is wrong, starting again will not help."""


class IngestFault(Exception):
    """An expected fault.

    `message` says what is wrong in one sentence, `field` where in the event (a path such as `files[3].size`, or None),
    `hint` how to mend it.
    """

    code: ClassVar[str] = "fault"
    fault_class: ClassVar[str] = "fault"
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, field: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.hint = self.default_hint if hint is None else hint

    def __str__(self) -> str:
        """`field: message (hint)`, as far as they are known."""
        where = f"{self.field}: " if self.field else ""
        how = f" ({self.hint})" if self.hint else ""
        return f"{where}{self.message}{how}"


def first_cause(group: BaseException) -> BaseException:
    """Give the first error of a group of groups; the error itself, if it is none."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
