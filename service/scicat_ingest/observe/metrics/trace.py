"""The trace that a record belongs to, by its W3C Trace Context."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scicat_ingest.consume.record import Record

_TRACE_PARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def exemplar_of(record: Record) -> dict[str, str] | None:
    """Give the labels of an exemplar, from the header `traceparent`; None without a good one."""
    for name, value in record.headers:
        if name == "traceparent":
            found = _TRACE_PARENT.fullmatch(value)
            return None if found is None else {"trace_id": found[1].decode()}
    return None
