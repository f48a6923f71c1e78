"""What all SciCat documents share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest integer that SciCat's JavaScript keeps exactly; a larger one is stored rounded."""

Count = Annotated[int, Field(strict=True, ge=0, le=MAX_SAFE_INTEGER)]
Text = Annotated[str, Field(strict=True)]
NonEmpty = Annotated[str, Field(strict=True, min_length=1)]
Flag = Annotated[bool, Field(strict=True)]


class Document(BaseModel):
    """A JSON document for SciCat: unknown fields are refused, as the server refuses them with a 400."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def payload(self) -> dict[str, Any]:
        """Give the JSON object to POST: without the fields that were not given."""
        return self.model_dump(mode="json", exclude_none=True)
