"""The way to the schema registry: once for each schema, and whose fault it is when there is none."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from scicat_ingest.consume.registry import MAX_REFERENCES, MAX_SCHEMAS, SchemaRegistry
from scicat_ingest.faults import CorruptRecord, IngestFault, InvalidSettings, RegistryUnavailable
from scicat_ingest.settings import RegistrySettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.anyio
URL = "https://registry.example.org/base/"
SCHEMA = '{"type": "record", "name": "R", "fields": []}'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Registry:
    """Answers by path; what is a function is called, what is an exception raised, an integer is a status."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.headers: list[httpx.Headers] = []
        self.hold: anyio.Event | None = None

    async def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().removeprefix("/base")
        self.asked.append(path)
        self.headers.append(request.headers)
        if self.hold is not None:
            await self.hold.wait()
        found = self.answers.get(path, (404, {"error_code": 40403, "message": "Schema not found"}))
        if isinstance(found, Exception):
            raise found
        if isinstance(found, tuple):
            status, body = found
            return (
                httpx.Response(status, json=body)
                if not isinstance(body, bytes)
                else httpx.Response(status, content=body)
            )
        return httpx.Response(200, json=found)

    def open(self, **settings: Any) -> SchemaRegistry:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        return SchemaRegistry(http, RegistrySettings.model_validate({"url": URL} | settings))


async def fault_of(registry: SchemaRegistry, kind: type[IngestFault], reference: int | str = 7) -> IngestFault:
    with pytest.raises(kind) as caught:
        await registry.get(reference)
    return caught.value


async def test_a_schema_is_asked_for_once_for_ever() -> None:
    """Its id never means another one. Avro is what a registry means when it says nothing."""
    backend = Registry({"/schemas/ids/7": {"schema": SCHEMA}})
    registry = backend.open()
    for _ in range(3):
        assert await registry.get(7) == {"schemaType": "AVRO", "schema": SCHEMA, "references": []}
    assert backend.asked == ["/schemas/ids/7"]


async def test_a_guid_has_a_route_of_its_own() -> None:
    """With the registry's path in front."""
    guid = "00010203-0405-0607-0809-0a0b0c0d0e0f"
    backend = Registry({f"/schemas/guids/{guid}": {"schema": SCHEMA, "schemaType": "JSON"}})
    assert (await backend.open().get(guid))["schemaType"] == "JSON"


async def test_protobuf_is_asked_for_as_descriptors() -> None:
    """Also what it refers to."""
    backend = Registry(
        {
            "/schemas/ids/7": {"schema": "syntax", "schemaType": "PROTOBUF"},
            "/schemas/ids/7?format=serialized": {
                "schema": "bWFpbg==",
                "schemaType": "PROTOBUF",
                "references": [{"name": "a/b.proto", "subject": "a b/c", "version": 3}],
            },
            "/subjects/a%20b%2Fc/versions/3?format=serialized": {"schema": "YmVsb3c="},
        }
    )
    assert await backend.open().get(7) == {
        "schemaType": "PROTOBUF",
        "schema": "bWFpbg==",
        "references": [{"name": "a/b.proto", "schema": "YmVsb3c="}],
    }


async def test_references_come_after_what_they_refer_to_themselves() -> None:
    """Each once, so that a reader can go through them in order."""

    def refer(*names: str) -> list[dict[str, object]]:
        return [{"name": name, "subject": name, "version": 1} for name in names]

    backend = Registry(
        {
            "/schemas/ids/7": {"schema": SCHEMA, "references": refer("b", "a")},
            "/subjects/b/versions/1": {"schema": "B", "references": refer("a", "c")},
            "/subjects/a/versions/1": {"schema": "A"},
            "/subjects/c/versions/1": {"schema": "C"},
        }
    )
    found = await backend.open().get(7)
    assert [entry["name"] for entry in found["references"]] == ["a", "c", "b"]
    assert len(backend.asked) == 4


async def test_references_without_an_end_are_refused() -> None:
    """A registry does not let them in; what answers may be no registry."""
    backend = Registry(
        {"/schemas/ids/7": {"schema": SCHEMA, "references": [{"name": "0", "subject": "s", "version": 0}]}}
    )
    for number in range(MAX_REFERENCES + 1):
        backend.answers[f"/subjects/s/versions/{number}"] = {
            "schema": SCHEMA,
            "references": [{"name": str(number + 1), "subject": "s", "version": number + 1}],
        }
    await fault_of(backend.open(), CorruptRecord)
    assert len(backend.asked) <= MAX_REFERENCES + 2


async def test_many_who_ask_at_once_cause_one_request_and_share_its_answer() -> None:
    """Single flight: the first record of a new schema is seldom alone."""
    backend = Registry({"/schemas/ids/7": {"schema": SCHEMA}})
    backend.hold = anyio.Event()
    registry = backend.open()
    found = []

    async def ask() -> None:
        found.append(await registry.get(7))

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        backend.hold.set()
    assert len(found) == 20
    assert len(backend.asked) == 1


async def test_those_who_wait_share_a_fault_and_the_next_one_asks_again() -> None:
    """An outage is not remembered, and not asked about once for each record."""
    backend = Registry({"/schemas/ids/7": (503, b"")})
    backend.hold = anyio.Event()
    registry = backend.open()
    faults = []

    async def ask() -> None:
        faults.append(await fault_of(registry, RegistryUnavailable))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        backend.hold.set()
    assert (len(faults), len(backend.asked)) == (5, 1)
    backend.answers["/schemas/ids/7"] = {"schema": SCHEMA}
    assert await registry.get(7)


async def test_when_the_one_who_asks_is_cancelled_another_one_asks() -> None:
    """A partition that is taken away must not stop the others."""
    backend = Registry({"/schemas/ids/7": {"schema": SCHEMA}})
    backend.hold = anyio.Event()
    registry = backend.open()
    found = []

    async def ask() -> None:
        found.append(await registry.get(7))

    async with anyio.create_task_group() as outer:
        async with anyio.create_task_group() as first:
            first.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            outer.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            first.cancel_scope.cancel()
        await anyio.wait_all_tasks_blocked()
        backend.hold.set()
    assert (len(found), len(backend.asked)) == (1, 2)


async def test_the_memory_of_schemas_is_bounded() -> None:
    """The one that was not used for longest makes room."""
    backend = Registry({f"/schemas/ids/{number}": {"schema": SCHEMA} for number in range(MAX_SCHEMAS + 1)})
    registry = backend.open()
    for number in range(MAX_SCHEMAS):
        await registry.get(number)
    await registry.get(0)
    await registry.get(MAX_SCHEMAS)
    await registry.get(0)
    assert len(backend.asked) == MAX_SCHEMAS + 1
    await registry.get(1)
    assert len(backend.asked) == MAX_SCHEMAS + 2


NOT_FOUND = {"error_code": 40403, "message": "Schema 7 not found"}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((404, NOT_FOUND), CorruptRecord),
        ((404, {"error_code": 40402}), CorruptRecord),
        ((422, {"error_code": 42202}), CorruptRecord),
        ((200, {"schema": "x" * 2_000_000}), CorruptRecord),
        ((200, {"schema": SCHEMA, "references": [{"name": "a"}]}), CorruptRecord),
        ((200, {"schema": SCHEMA, "references": [5]}), CorruptRecord),
        ((200, {"schema": "", "references": [{"name": "a", "subject": "s" * 70_000, "version": 1}]}), CorruptRecord),
        ((200, rb'{"schema": "", "references": [{"name": "a", "subject": "\ud800", "version": 1}]}'), CorruptRecord),
        ((404, {"error_code": 404, "message": "HTTP 404 Not Found"}), InvalidSettings),
        ((404, b"<html>"), InvalidSettings),
        ((401, {"error_code": 401}), InvalidSettings),
        ((403, b""), InvalidSettings),
        ((500, {"error_code": 50001}), RegistryUnavailable),
        ((503, b""), RegistryUnavailable),
        ((429, b""), RegistryUnavailable),
        ((302, b""), RegistryUnavailable),
        ((200, b"<html>log in"), RegistryUnavailable),
        ((200, b"["), RegistryUnavailable),
        ((200, b"[" * 100_000), RegistryUnavailable),
        ((200, {"subject": "s"}), RegistryUnavailable),
        (httpx.ConnectError("refused"), RegistryUnavailable),
        (httpx.ReadTimeout("slow"), RegistryUnavailable),
    ],
)
async def test_whose_fault_an_answer_is(answer: Any, kind: type[IngestFault]) -> None:
    """The record's, the settings', or nobody's: then it is asked again later."""
    await fault_of(Registry({"/schemas/ids/7": answer}).open(), kind)


async def test_an_unknown_schema_is_named() -> None:
    """The dead letter says which."""
    fault = await fault_of(Registry({}).open(), CorruptRecord)
    assert fault.message == "schema 7 is not in the registry"


@pytest.mark.parametrize("give", [lambda _: {"password": "s3cret"}, lambda path: {"password_file": str(path)}])
async def test_a_password_is_sent_and_never_shown(give: Callable[[Path], dict[str, str]], tmp_path: Path) -> None:
    """Basic authentication; a file is read at every request."""
    path = tmp_path / "password"
    path.write_text("s3cret\n")
    backend = Registry({"/schemas/ids/7": (401, b"s3cret")})
    registry = backend.open(username="us", **give(path))
    fault = await fault_of(registry, InvalidSettings)
    assert backend.headers[0]["Authorization"] == f"Basic {base64.b64encode(b'us:s3cret').decode()}"
    assert "s3cret" not in str(fault)
    assert "registry.password_file" in str(fault)


async def test_without_a_user_name_nothing_is_sent() -> None:
    """Many registries are open inside of a facility."""
    backend = Registry({})
    await fault_of(backend.open(), CorruptRecord)
    assert "Authorization" not in backend.headers[0]


async def test_a_password_file_that_cannot_be_read_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    """It may come later: the secret of a cluster."""
    registry = Registry({}).open(username="us", password_file=str(tmp_path / "none"))
    assert "registry.password_file" in str(await fault_of(registry, InvalidSettings))


async def test_without_an_address_there_is_no_registry() -> None:
    """Said at start."""
    with pytest.raises(InvalidSettings, match=r"registry\.url"):
        SchemaRegistry(httpx.AsyncClient(), RegistrySettings())


@pytest.mark.parametrize(
    "settings", [{"username": "u"}, {"password": "p"}, {"username": "u", "password": "p", "password_file": "f"}]
)
async def test_user_name_and_one_password_go_together(settings: dict[str, str]) -> None:
    """Half of them would be sent as nobody."""
    with pytest.raises(ValueError, match="password"):
        RegistrySettings.model_validate(settings)
