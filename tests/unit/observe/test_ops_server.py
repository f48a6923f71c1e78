"""The ops server: it answers while the loop hangs, lets in who may see, and bears odd clients."""

from __future__ import annotations

import base64
import gzip
import socket
import threading
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from scicat_ingest.faults import InvalidSettings
from scicat_ingest.observe.ops import Ops
from scicat_ingest.observe.ops_access import Access
from scicat_ingest.observe.ops_server import CONNECTION_SECONDS, MOST_CONNECTIONS, OpsServer, Reply, Resource
from scicat_ingest.settings import OpsSettings, Settings
from scicat_ingest.settings.example import EXAMPLE_MAPPING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Serve = Callable[[Ops, OpsSettings], httpx.Client]

TOKEN = "tøken"


def settings(**ops: Any) -> Settings:
    return Settings(mapping=EXAMPLE_MAPPING, ops=OpsSettings(port=0, **ops))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give clients of servers that are stopped at the end."""
    servers: list[OpsServer] = []
    clients: list[httpx.Client] = []

    def started(ops: Ops, given: OpsSettings) -> httpx.Client:
        servers.append(OpsServer(given, ops.resources(), Access(given.token_file)))
        servers[-1].start()
        clients.append(httpx.Client(base_url=f"http://{servers[-1].address}", timeout=30))
        return clients[-1]

    yield started
    for client in clients:
        client.close()
    for server in servers:
        server.stop()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_while_the_loop_hangs_the_probe_for_life_fails_and_metrics_are_answered(serve: Serve) -> None:
    """The loop hangs for real, the seconds are counted by hand; when it turns again, all is well again."""
    clock, given = Clock(), settings()
    ops = Ops(given, monotonic=clock)
    client = serve(ops, given.ops)
    hangs, go_on, beats = threading.Event(), threading.Event(), threading.Event()

    async def hang() -> None:
        ops.heart.beat()
        hangs.set()
        go_on.wait(30)
        ops.heart.beat()
        beats.set()

    loop = threading.Thread(target=anyio.run, args=(hang,))
    loop.start()
    try:
        assert hangs.wait(30)
        clock.now += 4.0
        assert client.get("/livez").status_code == 200
        clock.now += 2.0
        answer = client.get("/livez")
        assert answer.status_code == 503
        assert answer.json() == {"ok": False, "reasons": ["the event loop has not turned for 6 s"]}
        metrics = client.get("/metrics")
        assert metrics.status_code == 200
        assert "scicat_ingest_loop_lag_seconds 5.5" in metrics.text
        assert client.get("/api/status").json()["conditions"][0]["title"] == "the service hangs"
    finally:
        go_on.set()
        loop.join()
    assert beats.is_set()
    assert client.get("/livez").json() == {"ok": True, "reasons": []}
    assert "scicat_ingest_loop_lag_seconds 5.5" in client.get("/metrics").text, "remembered for a while"


def test_before_the_service_is_connected_it_lives_and_is_not_ready(serve: Serve) -> None:
    """So that Kubernetes waits for SciCat instead of restarting the pod."""
    given = settings()
    client = serve(Ops(given), given.ops)
    assert client.get("/livez").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["ok"]) == (503, False)
    assert client.get("/api/status").json()["state"] == "starting"


def test_what_ends_the_process_shows_in_the_probe_for_life() -> None:
    """Its end may take a while; without a text, which others may read."""
    ops = Ops(settings())
    with pytest.raises(RuntimeError), ops.watching():
        raise RuntimeError("secret")
    reply = ops.resources()["/livez"].get({})
    assert reply.status == 503
    assert b"RuntimeError" in reply.body
    assert b"secret" not in reply.body


def test_only_reading_is_possible_and_only_what_there_is(serve: Serve) -> None:
    """HEAD gives the headers of GET."""
    given = settings()
    client = serve(Ops(given), given.ops)
    assert client.post("/livez", content=b"x").status_code == 405
    assert client.post("/livez").headers["allow"] == "GET, HEAD"
    assert client.get("/etc/passwd").status_code == 404
    assert client.get("/../livez").status_code in (200, 404)
    assert client.get("/livez?verbose").status_code == 200
    head = client.head("/livez")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == client.get("/livez").headers["content-length"]


def test_answers_are_small_never_stored_and_never_taken_for_something_else(serve: Serve) -> None:
    """Headers of the page, of JSON and of metrics."""
    given = settings()
    client = serve(Ops(given), given.ops)
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    for path in ("/", "/metrics", "/api/status", "/livez", "/nowhere"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
    assert client.get("/metrics", headers={"accept-encoding": "gzip"}).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in client.get("/metrics", headers={"accept-encoding": "identity"}).headers
    with client.stream("GET", "/metrics", headers={"accept-encoding": "gzip"}) as raw:
        assert b"scicat_ingest_state" in gzip.decompress(b"".join(raw.iter_raw()))
    openmetrics = client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")


def test_the_token_is_asked_for_everywhere_but_by_probes(serve: Serve, tmp_path: Path) -> None:
    """As a bearer token, or in a browser as the password; a new one in the file is good at once."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n", encoding="utf-8")
    given = settings(token_file=file)
    client = serve(Ops(given), given.ops)

    def answered(path: str, authorization: bytes | None = None) -> int:
        headers = {} if authorization is None else {b"authorization": authorization}
        return client.get(path, headers=headers).status_code

    for path in ("/", "/metrics", "/api/status", "/status.js"):
        assert answered(path) == 401
        assert answered(path, b"Bearer wrong") == 401
        assert answered(path, b"Bearer") == 401
        assert answered(path, b"Basic !") == 401
        assert answered(path, b"Bearer " + TOKEN.encode()) == 200
        assert answered(path, b"basic " + base64.b64encode(f"me:{TOKEN}".encode())) == 200
    assert client.get("/").headers.get_list("www-authenticate")[0] == "Bearer"
    assert answered("/livez") == 200
    assert answered("/readyz") == 503
    file.write_text("new", encoding="utf-8")
    assert answered("/metrics", b"Bearer " + TOKEN.encode()) == 401
    assert answered("/metrics", b"Bearer new") == 200
    file.write_text(" \n", encoding="utf-8")
    assert answered("/metrics", b"Basic " + base64.b64encode(b"me:")) == 401, "an empty file lets nobody in"


def test_a_token_file_that_is_not_there_is_a_wrong_setting(tmp_path: Path) -> None:
    """Found at start, not at the first scrape."""
    with pytest.raises(InvalidSettings, match=r"ops\.token_file"), Ops(settings(token_file=tmp_path / "x")).serving():
        pass


def test_a_port_that_is_taken_is_a_wrong_setting() -> None:
    """The message names the settings."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        given = Settings(mapping=EXAMPLE_MAPPING, ops=OpsSettings(port=port))
        with pytest.raises(InvalidSettings, match=f"cannot listen on 127.0.0.1:{port}"), Ops(given).serving():
            pass


@pytest.mark.parametrize("host", ["no such host", "256.0.0.1"])
def test_an_address_that_is_none_is_a_wrong_setting(host: str) -> None:
    """The same message."""
    with pytest.raises(InvalidSettings, match="cannot listen"), Ops(settings(host=host)).serving():
        pass


def test_turned_off_it_listens_nowhere() -> None:
    """With `ops.enabled: off`."""
    before = threading.active_count()
    with Ops(settings(enabled=False)).serving():
        assert threading.active_count() == before


def test_a_server_listens_on_ipv6_too(serve: Serve) -> None:
    """A pod's address may be one."""
    given = settings(host="::1")
    assert serve(Ops(given), given.ops).get("/livez").status_code == 200


def test_more_connections_than_are_allowed_are_closed_at_once() -> None:
    """Those that are served end, and then others are served again."""
    go_on, begun = threading.Event(), threading.Semaphore(0)

    def slow(_: object) -> Reply:
        begun.release()
        go_on.wait(30)
        return Reply("text/plain", b"done")

    server = OpsServer(OpsSettings(port=0), {"/slow": Resource(slow)}, Access(None))
    with server:
        host, _, port = server.address.rpartition(":")
        clients = [socket.create_connection((host, int(port))) for _ in range(MOST_CONNECTIONS)]
        for client in clients:
            client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in clients:
            assert begun.acquire(timeout=30)
        with socket.create_connection((host, int(port))) as refused:
            refused.settimeout(30)
            assert _read_to_end(refused) == b""
        go_on.set()
        for client in clients:
            assert _read_to_end(client).endswith(b"done")
            client.close()
        assert httpx.get(f"http://{server.address}/slow").text == "done"


def test_a_silent_client_is_not_waited_for_long() -> None:
    """Its time is over; the seconds are counted by hand."""
    given = settings()
    server = OpsServer(given.ops, Ops(given).resources(), Access(None))
    with server:
        host, _, port = server.address.rpartition(":")
        with socket.create_connection((host, int(port))) as silent:
            silent.settimeout(30)
            silent.sendall(b"GET /livez HTTP/1.1\r\nX: ")
            httpx.get(f"http://{server.address}/livez")  # accepted after it
            begun = server._server._begun
            begun.update({each: at - CONNECTION_SECONDS - 1 for each, at in list(begun.items())})
            assert _read_to_end(silent) == b""


def test_nonsense_is_refused_and_logged_nowhere(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody looks for open ports; that is no news."""
    given = settings()
    client = serve(Ops(given), given.ops)
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as odd:
        odd.sendall(b"\x16\x03\x01\x00\xee\r\n\r\n")
        odd.settimeout(30)
        assert b"400" in _read_to_end(odd)
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == [
        record for record in caplog.records if "probes, metrics" in record.message
    ]


def _read_to_end(connection: socket.socket) -> bytes:
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)
