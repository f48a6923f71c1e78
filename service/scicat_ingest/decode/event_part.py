"""What the parts of the native event share."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
)

from scicat_ingest.catalogue.times import parse_time


class EventPart(BaseModel):
    """A JSON object of an event.

    `null` means "not given": it must be the default of a field that need not be there (the event itself has others, and
    leaves nulls out before), and `first_fault` says of all other fields that they are missing. Types are strict: a
    number is no string.
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    @property
    def unknown(self) -> dict[str, Any]:
        """What is given under names that this part does not have."""
        extra = self.__pydantic_extra__ or {}  # `model_extra` is the same, and slower
        return {name: value for name, value in extra.items() if value is not None}


def _to_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError("expected a string or an integer")


def _to_time(value: Any, info: ValidationInfo) -> datetime:
    if not isinstance(value, str):
        raise ValueError("expected an RFC 3339 time as a string")  # noqa: TRY004 (pydantic wants a ValueError)
    zone: tzinfo | None = (info.context or {}).get("zone")
    return parse_time(value, zone)


TextOrInteger = Annotated[str, BeforeValidator(_to_text), WithJsonSchema({"type": ["string", "integer"]})]
"""A string, or an integer that becomes one."""

EventTime = Annotated[datetime, BeforeValidator(_to_time), WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339 with offset. A time without offset is read in the zone of the validation context, or refused."""


def _without_controls(text: str) -> str:
    if not text.strip() or any(character < " " or character == "\x7f" for character in text):
        raise ValueError("expected visible text without control characters")
    return text


VisibleText = Annotated[str, AfterValidator(_without_controls)]
"""Text with something to see and without control characters."""

FileSize = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""Bytes; SciCat's JavaScript would round a larger number."""
