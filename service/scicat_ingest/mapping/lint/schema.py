"""Metadata against the JSON Schema of a mapping file."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend, validator_for
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
from referencing.exceptions import Unresolvable

from scicat_ingest.mapping.lint.size import json_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema.protocols import Validator

    from scicat_ingest.mapping.lint.findings import Findings
    from scicat_ingest.settings import LintDoubt

_MOST_VALUES = 20_000
"""Values of metadata that are checked: some rules of JSON Schema take time quadratic in them."""
_MOST_BYTES = 2 * 1024 * 1024
"""Their size as JSON: every error repeats the value that it is about."""
_MOST_ERRORS = 20
_LONG = 200


def lint_schema(metadata: Mapping[str, Any], schema: Mapping[str, Any], policy: LintDoubt, findings: Findings) -> None:
    """Note the first places where the metadata are not as the schema says; of each, what the schema wants there.

    A `$ref` is looked for in the schema itself and among JSON Schema's own documents; nothing is fetched. Where a
    schema refers to anything else or has a wrong pattern, and for metadata of more than 20 000 values or 2 MiB, it is
    noted that not all was checked; that is never a reason to reject. Raises InvalidMetadata where the policy is
    `reject`.
    """
    if policy == "off":
        return
    if _count(metadata) > _MOST_VALUES or json_bytes(metadata) > _MOST_BYTES:
        what = f"not checked against the schema: more than {_MOST_VALUES} values or {_MOST_BYTES} bytes"
        findings.judge("warn", what, ())
        return
    dialect = validator_for(schema, default=Draft202012Validator)
    try:
        errors = _linear(dialect)(schema, registry=REGISTRY).iter_errors(metadata)
        for error in islice(errors, _MOST_ERRORS):
            findings.judge(policy, f"the schema says otherwise: {_say(error)}", _steps(error))
        if next(errors, None) is not None:
            findings.judge(policy, f"the schema says otherwise in more than {_MOST_ERRORS} places", ())
    except Unresolvable as error:
        what = "not checked against the schema, which refers to what it does not contain"
        findings.judge("warn", what, (), got=error.ref)
    except re.error as error:
        what = "not checked against the schema, in which a pattern is no regular expression of Python"
        findings.judge("warn", what, (), got=str(error))
    except RecursionError:
        findings.judge("warn", "not checked against the schema: metadata or schema are nested too deep", ())


def _say(error: ValidationError) -> str:
    """Give jsonschema's sentence; it begins with the value, which can be megabytes."""
    message = error.message
    if len(message) > _LONG:
        message = f"{message[: _LONG // 2]} … {message[-_LONG // 2 :]}"
    return message.encode("utf-8", "replace").decode()


def _steps(error: ValidationError) -> Any:
    steps: Any = ()
    for step in error.absolute_path:
        steps = (steps, step)
    return steps


def _count(metadata: Mapping[str, Any]) -> int:
    """Count values, as far as needed."""
    total = 0
    level: list[Any] = [metadata]
    while level and total <= _MOST_VALUES:
        total += sum(len(container) for container in level)
        if total <= _MOST_VALUES:
            children = (child for item in level for child in (item.values() if isinstance(item, dict) else item))
            level = [child for child in children if isinstance(child, (dict, list))]
    return total


@lru_cache(maxsize=16)
def _linear(dialect: type[Validator]) -> type[Validator]:
    """Give the dialect with a `uniqueItems` that does not compare each item with each other one."""
    extended: type[Validator] = extend(dialect, {"uniqueItems": _unique_items})  # type: ignore[no-untyped-call]
    return extended


def _unique_items(_validator: Validator, unique: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if unique and isinstance(instance, list):
        seen = {json.dumps(_number_as_json_sees_it(item), sort_keys=True) for item in instance}
        if len(seen) < len(instance):
            yield ValidationError("the array has items that are the same")


def _number_as_json_sees_it(value: Any) -> Any:
    """Make 1.0 the 1 that it is in JSON Schema."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _number_as_json_sees_it(item) for name, item in value.items()}
    return [_number_as_json_sees_it(item) for item in value] if isinstance(value, list) else value
