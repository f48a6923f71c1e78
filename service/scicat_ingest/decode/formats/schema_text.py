"""A schema as the registry gives it, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scicat_ingest.decode.first_fault import excerpt
from scicat_ingest.faults import CorruptRecord

_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SchemaText:
    """Hashable, so that what is made of it can be remembered."""

    kind: str
    """AVRO, JSON or PROTOBUF."""
    text: str
    references: tuple[tuple[str, str], ...]
    """Name and text of the schemas that it refers to, each after those that it refers to itself."""

    @classmethod
    def of(cls, answer: Any) -> SchemaText:
        """Check what `SchemaRegistry.get` returned. Raises CorruptRecord."""
        if not isinstance(answer, dict):
            raise CorruptRecord(f"the registry's answer is no object but {excerpt(answer)}")
        listed = answer.get("references") or []
        if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
            raise CorruptRecord("the references of the schema are no array of objects")
        references = tuple((_text(entry, "name"), _text(entry, "schema")) for entry in listed)
        schema = cls(str(answer.get("schemaType") or "AVRO"), _text(answer, "schema"), references)
        if len(schema.text) + sum(len(text) for _, text in references) > _MOST_BYTES:
            raise CorruptRecord(f"the schema and those that it refers to have more than {_MOST_BYTES} characters")
        return schema


def _text(entry: dict[str, Any], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not _is_unicode(value):
        raise CorruptRecord(f"the registry's answer has no {name}, or one that is no Unicode text")
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
