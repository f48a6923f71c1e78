"""The dataset's previews. A bad one is left out with a warning; it never stops its dataset."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scicat_ingest.catalogue.attachment import Attachment, AttachmentRelationship
from scicat_ingest.faults import ForbiddenBySource
from scicat_ingest.mapping.pid import derive_uuid, is_addressable

if TYPE_CHECKING:
    from scicat_ingest.decode.event import AcquisitionCompleted, EventAttachment
    from scicat_ingest.mapping.dataset import Inherited
    from scicat_ingest.mapping.rules import MappingRules

_DATA_URL = re.compile(r"data:[a-z]+/[a-z0-9.+-]+(;[a-z0-9.+-]+=[^;,]*)*(;base64)?,", re.IGNORECASE)
"""What comes before the data."""
_BLANK = re.compile(r"\s")
_ASCII_BLANKS = tuple(character for character in map(chr, range(128)) if character.isspace())


def build_attachments(
    event: AcquisitionCompleted, inherited: Inherited, rules: MappingRules
) -> tuple[tuple[Attachment, ...], list[str]]:
    """Give the attachments and the warnings. Raises ForbiddenBySource for one that would be published."""
    attachments: dict[str, Attachment] = {}
    warnings = []
    for index, given in enumerate(event.attachments or ()):
        field = f"attachments[{index}]"
        if given.isPublished and "isPublished" not in rules.source.may_set:
            raise ForbiddenBySource("this source may not publish attachments", field=f"{field}.isPublished")
        flaw = _flaw_of_thumbnail(given.thumbnail, rules.limits.max_thumbnail_bytes)
        if flaw:
            warnings.append(f"{field}.thumbnail: {flaw}; the attachment was left out")
            continue
        if given.id is not None and not is_addressable(given.id):
            warnings.append(f"{field}.id: it cannot stand in a URL; the attachment was left out")
            continue
        attachment = _build(given, inherited, rules)
        if attachment.aid in attachments:
            warnings.append(f"{field}: an earlier attachment has the same id; this one was left out")
            continue
        attachments[str(attachment.aid)] = attachment
    return tuple(attachments.values()), warnings


def _build(given: EventAttachment, inherited: Inherited, rules: MappingRules) -> Attachment:
    to_dataset = AttachmentRelationship(targetId=inherited.pid, targetType="dataset")
    further = [
        AttachmentRelationship(
            targetId=target.targetId,
            targetType=target.targetType,
            relationType=target.relationType or to_dataset.relationType,
        )
        for target in given.relationships or ()
        if (target.targetId, target.targetType) != (inherited.pid, "dataset")
    ]
    return Attachment(
        aid=given.id or derive_uuid(rules.mapping.namespace, inherited.pid, given.caption, given.thumbnail),
        caption=given.caption,
        thumbnail=given.thumbnail,
        ownerGroup=inherited.owner_group,
        accessGroups=inherited.access_groups,
        instrumentGroup=inherited.instrument_group,
        isPublished=bool(given.isPublished),
        relationships=[to_dataset, *further],
    )


def _flaw_of_thumbnail(thumbnail: str | None, most: int) -> str | None:
    if thumbnail is None:
        return None
    if len(thumbnail) > most:
        return f"it has {len(thumbnail)} bytes, at most {most} are taken"
    head = _DATA_URL.match(thumbnail)
    if head is None or head.end() == len(thumbnail) or _has_blanks(thumbnail[head.end() :]):
        return "expected a data URL, such as data:image/png;base64,…"
    return None


def _has_blanks(text: str) -> bool:
    if text.isascii():  # a search for each is 20 times as fast as one for all
        return any(blank in text for blank in _ASCII_BLANKS)
    return _BLANK.search(text) is not None
