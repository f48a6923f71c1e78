"""The Protobuf files that every schema of Confluent's registry may import, and the registry never gives.

As they are in Confluent's clients; a test compares them. Their own package would bring a second Kafka client with it.
"""

from __future__ import annotations

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

_TEXT, _BYTES, _UINT32, _INT32 = (
    FieldDescriptorProto.TYPE_STRING,
    FieldDescriptorProto.TYPE_BYTES,
    FieldDescriptorProto.TYPE_UINT32,
    FieldDescriptorProto.TYPE_INT32,
)
_EXTENDED = {
    "file_meta": "FileOptions",
    "message_meta": "MessageOptions",
    "field_meta": "FieldOptions",
    "enum_meta": "EnumOptions",
    "enum_value_meta": "EnumValueOptions",
}
_EXTENSION = 1088


def confluent_file(name: str) -> FileDescriptorProto | None:
    """Give the file of that name, if it is one of them; Decimal is known under an old folder too."""
    match name:
        case "confluent/meta.proto":
            return _meta()
        case "confluent/type/decimal.proto":
            decimal = _message("Decimal", value=_BYTES, precision=_UINT32, scale=_INT32)
            return FileDescriptorProto(name=name, package="confluent.type", syntax="proto3", message_type=[decimal])
        case "confluent/types/decimal.proto":
            moved = "confluent/type/decimal.proto"
            return FileDescriptorProto(name=name, syntax="proto3", dependency=[moved], public_dependency=[0])
    return None


def _meta() -> FileDescriptorProto:
    file = FileDescriptorProto(name="confluent/meta.proto", package="confluent", syntax="proto3")
    file.dependency.append("google/protobuf/descriptor.proto")
    file.options.go_package = "../confluent"
    meta = _message("Meta", doc=_TEXT, params=".confluent.Meta.ParamsEntry", tags=_TEXT, rules=".confluent.Rule")
    for repeated in meta.field[1:]:
        repeated.label = FieldDescriptorProto.LABEL_REPEATED
    entry = _message("ParamsEntry", key=_TEXT, value=_TEXT)
    entry.options.map_entry = True
    meta.nested_type.append(entry)
    file.message_type.extend([meta, _message("Rule", name=_TEXT, doc=_TEXT, expr=_TEXT, sql=_TEXT)])
    for name, options in _EXTENDED.items():
        extension = _field(name, _EXTENSION, ".confluent.Meta")
        extension.extendee = f".google.protobuf.{options}"
        file.extension.append(extension)
    return file


def _message(message: str, /, **fields: FieldDescriptorProto.Type.ValueType | str) -> DescriptorProto:
    numbered = [_field(name, number, kind) for number, (name, kind) in enumerate(fields.items(), 1)]
    return DescriptorProto(name=message, field=numbered)


def _field(name: str, number: int, kind: FieldDescriptorProto.Type.ValueType | str) -> FieldDescriptorProto:
    field = FieldDescriptorProto(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
    if isinstance(kind, str):
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, kind
    else:
        field.type = kind
    return field
