"""What arrives at a real server: paths, queries, headers, bodies; and what the client leaves out."""

from __future__ import annotations

from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from aiohttp import web

from scicat_ingest.deliver.transport import IDLE_SECONDS, open_http_client, path_segment
from scicat_ingest.faults import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import httpx

HARD_PIDS = [
    "20.500.12345/abc",
    "20.500.12345/6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    "a b",
    "ü",
    "日本/🧪",
    "100%",
    "%",
    "a%2Fb",
    "%2E%2E",
    "..%2f",
    "x/../y",
    "../../users",
    "./x",
    "...",
    "a?b=c#d",
    "a+b&c=d;e",
    "!$'()*,:@~-._",
    'quo"te\\back',
    "<tag>|{}^`[]",
    "line\nbreak\ttab",
    "nul\x00",
    "//",
    "/",
    " ",
    "x" * 2000,
]


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio: aiohttp knows no other."""
    return "asyncio"


class Echo:
    """An aiohttp server that keeps what it received and answers as it is told."""

    def __init__(self) -> None:
        self.base_url = ""
        self.paths: list[str] = []
        self.requests: list[web.BaseRequest] = []
        self.digests: list[bytes] = []
        self.connections: set[tuple[str, int]] = set()
        self.answer: Callable[[], web.StreamResponse] = lambda: web.json_response({"ok": True})

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Keep a request and answer it."""
        self.requests.append(request)
        self.paths.append(request.raw_path)
        self.digests.append(sha256(await request.content.read()).digest())
        self.connections.add(request.get_extra_info("peername"))
        return self.answer()


@asynccontextmanager
async def echoing() -> AsyncIterator[Echo]:
    """Run the server on a free port."""
    echo = Echo()
    runner = web.ServerRunner(web.Server(echo.handle))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        echo.base_url = f"http://{host}:{port}"
        yield echo
    finally:
        await runner.cleanup()


def client_of(base_url: str, *, idle_seconds: float = IDLE_SECONDS) -> httpx.AsyncClient:
    """Give the client under test."""
    return open_http_client(base_url=base_url, max_connections=4, user_agent="test/1", idle_seconds=idle_seconds)


@pytest.mark.anyio
@pytest.mark.parametrize("pid", HARD_PIDS, ids=lambda pid: ascii(pid[:20]))
@pytest.mark.parametrize("prefix", ["", "/scicat/backend"])
async def test_a_pid_arrives_as_one_segment(pid: str, prefix: str) -> None:
    """Nothing on the way decodes, encodes again, or takes dots and slashes for a path."""
    async with echoing() as echo, client_of(echo.base_url + prefix) as client:
        response = await client.get(f"/api/v3/datasets/{path_segment(pid)}/attachments")
    assert response.status_code == 200
    *before, segment, last = echo.paths[0].split("/")
    assert "/".join(before) == f"{prefix}/api/v3/datasets"
    assert last == "attachments"
    assert unquote(segment) == pid


@pytest.mark.parametrize(
    ("pid", "segment"),
    [
        ("20.500.12345/abc", "20.500.12345%2Fabc"),
        ("a b", "a%20b"),
        ("ü", "%C3%BC"),
        ("100%", "100%25"),
        ("a%2Fb", "a%252Fb"),
        ("x/../y", "x%2F..%2Fy"),
        ("a?b#c", "a%3Fb%23c"),
    ],
)
@pytest.mark.anyio
async def test_a_pid_is_encoded_exactly_once(pid: str, segment: str) -> None:
    """The bytes on the wire are those of `path_segment`."""
    assert path_segment(pid) == segment
    async with echoing() as echo, client_of(echo.base_url) as client:
        await client.get(f"/{segment}")
    assert echo.paths == [f"/{segment}"]


@pytest.mark.parametrize("pid", ["", ".", "..", "\ud800"])
def test_a_pid_that_would_vanish_is_refused(pid: str) -> None:
    """Another route would be asked, or, with PATCH, changed."""
    with pytest.raises(ValueError, match=r"URL|surrogates"):
        path_segment(pid)


@pytest.mark.anyio
@pytest.mark.parametrize("value", ['{"where":{"pid":"a/b+c&d=e;f %2B ü#?"}}', "a b", "+", "%", "100%25", "[]'\"\\|~"])
async def test_a_query_arrives_as_it_was(value: str) -> None:
    """Filters are JSON in a query; plus, ampersand and percent signs stay themselves."""
    async with echoing() as echo, client_of(echo.base_url) as client:
        await client.get("/api/v3/datasets", params={"filter": value, "include": ["origdatablocks", "attachments"]})
    query = echo.requests[0].query
    assert query.getall("filter") == [value]
    assert query.getall("include") == ["origdatablocks", "attachments"]


@pytest.mark.anyio
async def test_bodies_of_any_length_arrive_with_their_length() -> None:
    """A large one is written in pieces, but not chunked, which SciCat's proxies may refuse."""
    bodies = [b"", b"{}", b"x" * (1024 * 1024), bytes(range(256)) * (60 * 1024)]
    async with echoing() as echo, client_of(echo.base_url) as client:
        for body in bodies:
            assert (await client.post("/", content=body)).status_code == 200
    assert echo.digests == [sha256(body).digest() for body in bodies]
    assert [request.headers["content-length"] for request in echo.requests] == [str(len(body)) for body in bodies]
    assert all("transfer-encoding" not in request.headers for request in echo.requests)


@pytest.mark.anyio
async def test_an_answer_arrives_whole_and_unpacked() -> None:
    """Status, headers (Retry-After) and body are the server's; httpx unpacks what is compressed."""

    def answer() -> web.StreamResponse:
        response = web.json_response({"pids": ["ü" * 5000] * 20}, status=429, headers={"retry-after": "7"})
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async with echoing() as echo, client_of(echo.base_url) as client:
        echo.answer = answer
        response = await client.get("/")
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.headers["content-encoding"] == "gzip"
    assert response.json() == {"pids": ["ü" * 5000] * 20}


@pytest.mark.anyio
async def test_a_header_in_any_encoding_spoils_no_answer() -> None:
    """A proxy may add one, and pack the answer as well."""

    def answer() -> web.StreamResponse:
        response = web.json_response({"pid": "x"}, headers={"x-info": "Größe"})
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async with echoing() as echo, client_of(echo.base_url) as client:
        echo.answer = answer
        response = await client.get("/")
    assert response.json() == {"pid": "x"}
    assert response.headers.raw[[name for name, _ in response.headers.raw].index(b"x-info")][1] == "Größe".encode()


@pytest.mark.anyio
async def test_no_redirect_is_followed_and_no_cookie_kept() -> None:
    """A request depends on its token only: SciCat's session cookie could speak for somebody else."""

    def answer() -> web.StreamResponse:
        response = web.Response(status=302, headers={"location": "/elsewhere"})
        response.set_cookie("connect.sid", "somebody")
        return response

    async with echoing() as echo, client_of(echo.base_url.replace("127.0.0.1", "localhost")) as client:
        echo.answer = answer  # aiohttp keeps no cookies of bare addresses anyway, hence the name
        assert [(await client.get("/")).status_code for _ in range(2)] == [302, 302]
        assert not client.cookies
    assert echo.paths == ["/", "/"]
    assert all("cookie" not in request.headers for request in echo.requests)
    assert [request.headers["user-agent"] for request in echo.requests] == ["test/1"] * 2


@pytest.mark.anyio
async def test_the_environment_names_no_proxy_and_no_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SciCat stands inside the facility; a proxy for the world outside would see our token."""
    (tmp_path / "netrc").write_text("default login somebody password secret\n")
    for name, value in {"HTTP_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"}.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with echoing() as echo, client_of(echo.base_url) as client:
        assert (await client.get("/")).status_code == 200
    assert "authorization" not in echo.requests[0].headers


@pytest.mark.anyio
@pytest.mark.parametrize(("idle_seconds", "connections"), [(IDLE_SECONDS, 1), (0.0, 3)])
async def test_a_connection_is_used_again_while_it_is_fresh(idle_seconds: float, connections: int) -> None:
    """One that the server may be closing just now is not used: a POST would be lost in doubt."""
    async with echoing() as echo, client_of(echo.base_url, idle_seconds=idle_seconds) as client:
        for _ in range(3):
            await client.post("/", content=b"{}")
    assert len(echo.connections) == connections


@pytest.mark.parametrize(
    "base_url",
    [
        "scicat.example.org",
        "ftp://scicat.example.org",
        "http://",
        "http://scicat.example.org:99999",
        "http://scicat.example.org:x",
        "http://scicat..example.org",
        "http://user:secret@scicat.example.org",
        "http://scicat.example.org/?a=b",
    ],
)
def test_an_address_that_cannot_be_used_is_a_wrong_setting(base_url: str) -> None:
    """Found before the first request, and without a password in the message."""
    with pytest.raises(InvalidSettings, match=r"scicat\.url") as caught:
        client_of(base_url)
    assert "secret" not in str(caught.value)
