"""Confluent's well-known Protobuf files, against those that its own client brings."""

from __future__ import annotations

from importlib import import_module

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from scicat_ingest.decode.formats.confluent_files import confluent_file


@pytest.mark.parametrize("name", ["meta", "type.decimal", "types.decimal"])
def test_they_are_what_confluents_client_has(name: str) -> None:
    """Message by message, number by number."""
    module = import_module(f"confluent_kafka.schema_registry.confluent.{name}_pb2")
    theirs = FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
    assert confluent_file(theirs.name) == theirs


def test_no_other_name_is_known() -> None:
    """The registry gives those."""
    assert confluent_file("confluent/other.proto") is None
    assert confluent_file("facility/run.proto") is None
