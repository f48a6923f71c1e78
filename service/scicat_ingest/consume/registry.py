"""The way to the schema registry: each schema is asked for once."""

from __future__ import annotations

import base64
import json
from collections import OrderedDict
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anyio
import httpx

from scicat_ingest.faults import CorruptRecord, IngestFault, InvalidSettings, RegistryUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scicat_ingest.settings import RegistrySettings

MAX_SCHEMAS = 200
"""Schemas that are remembered; the least recently used one makes room."""
MAX_REFERENCES = 100
"""Schemas that one may refer to, directly or not."""
_MAX_ANSWER_BYTES = 1024 * 1024
_SCHEMA_NOT_FOUND = 40403
_MISSING = (40401, 40402, _SCHEMA_NOT_FOUND)
"""Error codes of the registry: no such subject, no such version, no such schema."""


class SchemaRegistry:
    """Gives schemas by id or GUID. An id stands for one schema for ever, so an answer is never asked for again.

    Many callers of one id cause one request, and share its fault, which is not remembered.
    """

    def __init__(self, http: httpx.AsyncClient, settings: RegistrySettings) -> None:
        if settings.url is None:
            hint = "set it to the registry's address, such as https://registry.example.org"
            raise InvalidSettings("registry.url is needed to read the format schema_registry", hint=hint)
        self._http = http
        self._settings = settings
        self._url = str(settings.url).rstrip("/")
        self._known: OrderedDict[int | str, Mapping[str, Any]] = OrderedDict()
        self._asked: dict[int | str, _Flight] = {}

    async def get(self, reference: int | str) -> Mapping[str, Any]:
        """Give {schemaType, schema, references: [{name, schema}]}: those of references too, in order of their use.

        Protobuf schemas are serialized descriptors (base64), everything else is text. Raises RegistryUnavailable (wait
        and try again), CorruptRecord (no such schema), InvalidSettings (who we are, or where it is).
        """
        while True:
            if reference in self._known:
                self._known.move_to_end(reference)
                return self._known[reference]
            flight = self._asked.get(reference)
            if flight is None:
                return await self._lead(reference)
            await flight.landed.wait()
            if flight.fault is not None:
                raise type(flight.fault)(flight.fault.message, hint=flight.fault.hint)

    async def _lead(self, reference: int | str) -> Mapping[str, Any]:
        flight = self._asked[reference] = _Flight()
        try:
            found = await self._fetch(reference)
        except IngestFault as fault:
            flight.fault = fault
            raise
        finally:  # also when we are cancelled: then one of those who wait asks
            del self._asked[reference]
            flight.landed.set()
        self._known[reference] = found
        if len(self._known) > MAX_SCHEMAS:
            self._known.popitem(last=False)
        return found

    async def _fetch(self, reference: int | str) -> dict[str, Any]:
        path = f"/schemas/ids/{reference}" if isinstance(reference, int) else f"/schemas/guids/{_segment(reference)}"
        answer = await self._ask(path, f"schema {reference}")
        kind = answer.get("schemaType") or "AVRO"
        if kind == "PROTOBUF":  # its text would need a compiler
            answer = await self._ask(f"{path}?format=serialized", f"schema {reference}")
        references: dict[str, str] = {}
        await self._follow(answer, kind, references, 0)
        return {
            "schemaType": kind,
            "schema": answer.get("schema"),
            "references": [{"name": name, "schema": schema} for name, schema in references.items()],
        }

    async def _follow(self, answer: Mapping[str, Any], kind: str, found: dict[str, str], depth: int) -> None:
        """Collect what a schema refers to, each after what it refers to itself."""
        for entry in answer.get("references") or ():
            try:
                name, subject, version = str(entry["name"]), _segment(str(entry["subject"])), int(entry["version"])
            except (TypeError, KeyError, ValueError):
                raise CorruptRecord("the schema's references are not as the registry's interface says") from None
            if name in found:
                continue
            if depth >= MAX_REFERENCES or len(found) >= MAX_REFERENCES:
                raise CorruptRecord(f"the schema refers to more than {MAX_REFERENCES} others")
            query = "?format=serialized" if kind == "PROTOBUF" else ""
            path = f"/subjects/{subject}/versions/{version}{query}"
            below = await self._ask(path, f"version {version} of {subject[:80]}")
            await self._follow(below, kind, found, depth + 1)
            found[name] = str(below.get("schema"))
            if sum(map(len, found.values())) > _MAX_ANSWER_BYTES:
                raise CorruptRecord(f"the schemas that it refers to have more than {_MAX_ANSWER_BYTES} bytes")

    async def _ask(self, path: str, what: str) -> dict[str, Any]:
        headers = {"Accept": "application/vnd.schemaregistry.v1+json, application/json", **self._authorization()}
        try:
            response = await self._http.get(
                f"{self._url}{path}", headers=headers, timeout=self._settings.timeout_seconds
            )
        except httpx.InvalidURL:
            raise CorruptRecord("a name among the schema's references is too long to be asked for") from None
        except httpx.HTTPError as error:
            raise RegistryUnavailable(f"the schema registry does not answer: {_why(error)}") from None
        return _judge(response, what)

    def _authorization(self) -> dict[str, str]:
        settings = self._settings
        if settings.username is None:
            return {}
        password = settings.password.get_secret_value() if settings.password else _read_secret(settings.password_file)
        credentials = base64.b64encode(f"{settings.username}:{password}".encode()).decode()
        return {"Authorization": f"Basic {credentials}"}


class _Flight:
    """One request under way, for all who ask for the same schema."""

    def __init__(self) -> None:
        self.landed = anyio.Event()
        self.fault: IngestFault | None = None


def _judge(response: httpx.Response, what: str) -> dict[str, Any]:
    answer = _document(response)
    status = response.status_code
    code = answer.get("error_code")
    if status == 200 and isinstance(answer.get("schema"), str):
        return answer
    if (status == 404 and code in _MISSING) or status == 422:
        hint = "the producer must send it anew, with a schema of the registry that registry.url names"
        raise CorruptRecord(f"{what} is not in the registry", hint=hint)
    if status in (401, 403):
        hint = "check registry.username with registry.password_file"
        raise InvalidSettings(f"the schema registry refuses us with {status}", hint=hint)
    if status == 404:
        raise InvalidSettings(
            "what answers at registry.url is no schema registry: it does not know GET /schemas/ids/ID",
            hint="give the registry's own address, with its path if it has one",
        )
    raise RegistryUnavailable(f"the schema registry answers {status} to the question for {what}")


def _document(response: httpx.Response) -> dict[str, Any]:
    """Give the answer's JSON object, an empty one if it is none."""
    if len(response.content) > _MAX_ANSWER_BYTES:
        raise CorruptRecord(f"the schema has more than {_MAX_ANSWER_BYTES} bytes")
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _segment(name: str) -> str:
    return quote(name, safe="")


def _why(error: httpx.HTTPError) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def _read_secret(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"registry.password_file: cannot read {path}: {error}") from None
