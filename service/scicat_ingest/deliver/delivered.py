"""What came of a delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DatasetVerdict = Literal["created", "already_present", "completed", "updated"]


@dataclass(frozen=True, slots=True)
class Delivered:
    """Everything of the plan is in the catalogue, each document once."""

    verdict: DatasetVerdict
    """`created` by us now; `already_present` with all its parts; `completed`: some parts were missing; or `updated`:
    fields were changed for a later revision, or because `scicat.on_conflict` is `update`."""
    blocks_created: int
    blocks_found: int
    attachments_created: int
    attachments_found: int
    block_ids: tuple[str, ...]
    attachment_ids: tuple[str, ...]
    attempts: int
    """How often the delivery was begun, 1 or more."""
    warnings: tuple[str, ...]
    drift: tuple[str, ...] = ()
    """How the dataset differs from what the event says, and was left alone."""
    existing_pid: str | None = None
    """The dataset that an older script had made for it, under another pid."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The delivery is not finished; its next attempt may begin after so many seconds."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class SoFar:
    """What a delivery has come to, should it end with a fault."""

    attempts: int
    dataset_created: bool
    block_ids: tuple[str, ...]
    attachment_ids: tuple[str, ...]
