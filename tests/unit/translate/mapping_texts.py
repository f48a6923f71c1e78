"""What the tests of mapping files share."""

from __future__ import annotations

from typing import Any

import pytest

from scicat_ingest.faults import InvalidMapping, MappingFailed
from scicat_ingest.translate.context import Context
from scicat_ingest.translate.expressions import compile_expression, compile_value, names_for
from scicat_ingest.translate.mapping_file import MappingFile, compile_mapping
from scicat_ingest.translate.yaml_lines import Placed

JSON = dict[str, Any]

FIRST = """\
name: first
acquisition:
  acquisitionId: "{{ event.id }}"
"""


def context(event: JSON | None = None, **record: Any) -> Context:
    return Context(
        event=event or {}, headers={"ce_type": "run.closed"}, record=record, source={"pid_prefix": "20.500.12345"}
    )


def mapping(text: str) -> MappingFile:
    return compile_mapping(text, "ours.yaml", None)


def fields(text: str, event: JSON) -> Any:
    """Give the acquisition that a mapping file makes of an event."""
    return mapping(text).acquisition(context(event), None).fields


def refused(text: str) -> InvalidMapping:
    with pytest.raises(InvalidMapping) as caught:
        mapping(text)
    return caught.value


def failed(text: str, event: JSON) -> MappingFailed:
    with pytest.raises(MappingFailed) as caught:
        fields(text, event)
    return caught.value


def value_of(text: Any, event: JSON | None = None, **variables: Any) -> Any:
    """Give what a scalar of a mapping file makes of an event."""
    names = names_for({"event": event or {}, "headers": {}, "record": {}, "source": {}, "vars": variables})
    return compile_value(Placed(text, 7), "ours.yaml").give(names)


def result_of(expression: str, event: JSON | None = None) -> Any:
    names = names_for({"event": event or {}, "headers": {}, "record": {}, "source": {}, "vars": {}})
    return compile_expression(expression, "ours.yaml:7").give(names)
