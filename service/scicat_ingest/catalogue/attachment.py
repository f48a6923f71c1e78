"""The v4 attachment (CreateAttachmentV4Dto of the backend's OpenAPI document)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scicat_ingest.catalogue.document import Document, Flag, Many, NonEmpty, Text


class AttachmentRelationship(Document):
    """What the attachment is attached to; SciCat does not check that the target exists."""

    targetId: NonEmpty
    targetType: Literal["dataset", "proposal", "sample", "published_data"]
    relationType: Text = "is attached to"


class Attachment(Document):
    """A preview or note as POSTed to v4. `aid` is the client's: a second POST with the same one is a 500."""

    caption: Text
    ownerGroup: NonEmpty
    isPublished: Flag
    aid: NonEmpty | None = None
    thumbnail: Text | None = Field(default=None, description="a data URL")
    accessGroups: Many[Text] | None = None
    instrumentGroup: Text | None = None
    relationships: Many[AttachmentRelationship] | None = None
