"""What all SciCat documents share."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest integer that SciCat's JavaScript keeps exactly; a larger one is stored rounded."""

Count = Annotated[int, Field(strict=True, ge=0, le=MAX_SAFE_INTEGER)]
Text = Annotated[str, Field(strict=True)]
NonEmpty = Annotated[str, Field(strict=True, min_length=1)]
Flag = Annotated[bool, Field(strict=True)]

_Item = TypeVar("_Item")
Many = Annotated[list[_Item], Field(fail_fast=True)]
"""An array. The first wrong item ends it: a fault for each of a million would take gigabytes."""


class Document(BaseModel):
    """A JSON document for SciCat: unknown fields are refused, as the server refuses them with a 400."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _keep_one_unknown_name(cls, value: Any) -> Any:
        """Let one unknown field be refused, not each of a million: their faults would take gigabytes."""
        known = cls.__pydantic_fields__  # `model_fields` is the same, at ten times the cost
        if isinstance(value, dict) and len(value) > len(known):
            first = next(name for name in value if name not in known)
            return {name: item for name, item in value.items() if name in known or name == first}
        return value

    def payload(self) -> dict[str, Any]:
        """Give the JSON object to POST: without the fields that were not given."""
        return self.model_dump(mode="json", exclude_none=True)
