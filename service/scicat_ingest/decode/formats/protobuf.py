"""Protobuf to JSON values, by the descriptors that the registry gives (its format `serialized`).

Names are those of the schema, integers stay integers (not text, as Protobuf's own JSON has 64-bit ones), fields that
are not set are null where the schema tells "not set" from 0, else 0, false or empty.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import DecodeError

from scicat_ingest.decode.first_fault import excerpt
from scicat_ingest.decode.formats.confluent_files import confluent_file
from scicat_ingest.faults import CorruptRecord, InvalidUtf8

if TYPE_CHECKING:
    from scicat_ingest.decode.formats.allowance import Allowance
    from scicat_ingest.decode.formats.schema_text import SchemaText

_NO_UTF8 = "expected UTF-8 in every text of the Protobuf message"
_SCHEMA_FILE = "value.proto"
_WELL_KNOWN = re.compile(r"google/(protobuf|type)/[a-z_]+\.proto")
_SPECIAL_FILES = {
    f"google/protobuf/{name}.proto" for name in ("timestamp", "duration", "field_mask", "wrappers", "struct")
}
_AS_TEXT = {"google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask"}
_WRAPPED = {f"google.protobuf.{kind}Value" for kind in ("Bool", "Bytes", "Double", "Float", "String")} | {
    f"google.protobuf.{kind}Value" for kind in ("Int32", "Int64", "UInt32", "UInt64")
}
_DYNAMIC = {"google.protobuf.Struct", "google.protobuf.ListValue", "google.protobuf.Value"}


def read_protobuf(payload: bytes, schema: SchemaText, indexes: tuple[int, ...], allowance: Allowance) -> dict[str, Any]:
    """Read one message. `indexes` is the way to its type in the schema. Raises UndecodableRecord."""
    message = _message_class(schema, indexes)()
    try:
        message.ParseFromString(payload)
    except DecodeError as error:
        raise CorruptRecord(f"expected a Protobuf {message.DESCRIPTOR.full_name}: {str(error)[:100]}") from None
    try:
        return _fields(message, allowance, 1)
    except UnicodeDecodeError:  # the key of a map; proto2 does not check texts when it parses
        raise InvalidUtf8(_NO_UTF8) from None


@lru_cache(maxsize=64)
def _message_class(schema: SchemaText, indexes: tuple[int, ...]) -> Any:
    files = {name: _descriptor(text, name) for name, text in schema.references}
    main = _descriptor(schema.text, _SCHEMA_FILE)
    pool = descriptor_pool.DescriptorPool()
    added: set[str] = set()
    try:
        _add(main, files, pool, added, ())
        declared: Any = main
        names = [main.package] if main.package else []
        types = main.message_type
        for index in indexes:
            declared = types[index]
            names.append(declared.name)
            types = declared.nested_type
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(".".join(names)))
    except (IndexError, KeyError, TypeError) as error:
        raise CorruptRecord(f"the Protobuf schema cannot be used: {excerpt(str(error))}") from None


def _descriptor(text: str, name: str) -> FileDescriptorProto:
    try:
        found = FileDescriptorProto.FromString(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, DecodeError):
        raise CorruptRecord(
            f"the registry gave no serialized descriptor of the Protobuf schema {excerpt(name)}",
            hint="it must know GET /schemas/ids/ID?format=serialized",
        ) from None
    found.name = name
    return found


def _add(
    file: FileDescriptorProto,
    files: dict[str, FileDescriptorProto],
    pool: descriptor_pool.DescriptorPool,
    added: set[str],
    above: tuple[str, ...],
) -> None:
    """Add a file to the pool after all that it imports."""
    if file.name in added:
        return
    if file.name in above or len(above) > 50:
        raise CorruptRecord(f"the Protobuf schema imports itself: {excerpt(file.name)}")
    for name in file.dependency:
        imported = _well_known(name) or files.get(name)
        if imported is None:
            raise CorruptRecord(f"the Protobuf schema imports {excerpt(name)}, which the registry did not give")
        _add(imported, files, pool, added, (*above, file.name))
    pool.Add(file)  # type: ignore[no-untyped-call, unused-ignore]
    added.add(file.name)


def _well_known(name: str) -> FileDescriptorProto | None:
    """Give a file that comes with Protobuf or with Google's common types, or that Confluent's registry takes for known.

    It goes before what the registry gave, so that messages in `_SPECIAL_FILES` are what they are called.
    """
    if not _WELL_KNOWN.fullmatch(name):
        return confluent_file(name)
    try:
        module = import_module(f"{name.removesuffix('.proto').replace('/', '.')}_pb2")
    except ImportError:
        return None
    return FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)


def _fields(message: Any, allowance: Allowance, level: int) -> dict[str, Any]:
    allowance.enter(level)
    allowance.take()
    found = {}
    for field in message.DESCRIPTOR.fields:
        allowance.take(len(field.name))
        found[field.name] = _field(message, field, allowance, level)
    return found


def _field(message: Any, field: Any, allowance: Allowance, level: int) -> Any:
    if field.is_repeated:
        allowance.enter(level + 1)
        values = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value_field = field.message_type.fields_by_name.get("value")
            if value_field is None:
                raise CorruptRecord(f"the Protobuf schema has a map without values: {excerpt(field.full_name)}")
            return {_key(key, allowance): _value(values[key], value_field, allowance, level + 1) for key in values}
        return [_value(value, field, allowance, level + 1) for value in values]
    if field.has_presence and not message.HasField(field.name) and not field.has_default_value:
        return None
    return _value(getattr(message, field.name), field, allowance, level)


def _key(key: Any, allowance: Allowance) -> str:
    text = str(key).lower() if isinstance(key, bool) else str(key)
    allowance.take(len(text))
    return text


def _value(value: Any, field: Any, allowance: Allowance, level: int) -> Any:
    if field.message_type is not None:
        return _message(value, allowance, level)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        allowance.take(len(known.name) if known else 0)
        return known.name if known else value
    if field.type == field.TYPE_STRING and isinstance(value, bytes):
        raise InvalidUtf8(_NO_UTF8, field=field.name)
    return _scalar(value, allowance)


def _scalar(value: Any, allowance: Allowance) -> Any:
    if isinstance(value, float):
        allowance.take()
        return allowance.number(value)
    if isinstance(value, bytes):
        allowance.take(len(value))
        return base64.b64encode(value).decode()
    allowance.take(len(value) if isinstance(value, str) else 0)
    return value


def _message(message: Any, allowance: Allowance, level: int) -> Any:
    name = message.DESCRIPTOR.full_name if message.DESCRIPTOR.file.name in _SPECIAL_FILES else ""
    if name in _DYNAMIC:
        return _dynamic(message, allowance, level)
    if name in _WRAPPED:
        return _scalar(message.value, allowance)
    if name in _AS_TEXT:
        try:
            text: str = message.ToJsonString()
        except ValueError:  # out of range
            allowance.warn(f"a {name} is out of its range: it is null")
            return None
        allowance.take(len(text))
        return text
    return _fields(message, allowance, level + 1)


def _dynamic(message: Any, allowance: Allowance, level: int) -> Any:
    """Give JSON that is written as Protobuf's Struct, ListValue or Value."""
    match message.DESCRIPTOR.name:
        case "Struct":
            allowance.enter(level + 1)
            return {_key(key, allowance): _dynamic(message.fields[key], allowance, level + 1) for key in message.fields}
        case "ListValue":
            allowance.enter(level + 1)
            return [_dynamic(value, allowance, level + 1) for value in message.values]
    kind = message.WhichOneof("kind")
    allowance.take()
    match kind:
        case None | "null_value":
            return None
        case "struct_value" | "list_value":
            return _dynamic(getattr(message, kind), allowance, level)
        case _:
            return _scalar(getattr(message, kind), allowance)
