"""The embedded Kafka itself: it starts, serves, survives, refuses and ends as its documentation says."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
import subprocess
import sys
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError

from scicat_ingest.testing.kafka import EmbeddedKafka, EmbeddedKafkaUnavailable, cluster
from scicat_ingest.testing.kafka.__main__ import main, run_until_interrupted
from scicat_ingest.testing.kafka.metadata import ask_metadata
from scicat_ingest.testing.kafka.ports import HOST, free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from scicat_ingest.testing.kafka import Broker

DEADLINE = 60.0
COMMAND = [sys.executable, "-m", "scicat_ingest.testing.kafka"]

pytestmark = pytest.mark.anyio


async def create_topic(servers: str, topic: str, replicas: int = 1) -> int:
    """Create `topic` with one partition and return its leader. Errors come in the answer: aiokafka does not raise."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(topic, 1, replicas)])
        assert [code for _, code, *_ in answer.topic_errors] == [0]
        while True:
            (described,) = await admin.describe_topics([topic])
            if described["error_code"] == 0 and described["partitions"]:
                return int(described["partitions"][0]["leader"])
    finally:
        await admin.close()


@asynccontextmanager
async def producer(servers: str, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    """Run an idempotent producer that waits for all replicas in sync."""
    running = AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True, **options)
    try:
        await running.start()
        yield running
    finally:
        await running.stop()


@asynccontextmanager
async def farewells(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Wait at the end until every connection closed meanwhile is gone.

    TLS takes leave in several steps, and aiokafka does not wait for them if the login failed: the event loop then
    ends before its sockets, which a later test is blamed for.
    """
    closed: list[asyncio.Future[None]] = []
    close = AIOKafkaConnection.close

    def remember(connection: AIOKafkaConnection, *arguments: Any, **options: Any) -> asyncio.Future[None]:
        closed.append(close(connection, *arguments, **options))
        return closed[-1]

    with monkeypatch.context() as patch:
        patch.setattr(AIOKafkaConnection, "close", remember)
        yield
        await asyncio.gather(*closed)
    assert closed


async def consume(servers: str, topic: str, count: int, **options: Any) -> list[bytes]:
    """Read `count` values from the start of `topic` as a member of a new group."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=servers, group_id=f"{topic}.{uuid.uuid4()}", auto_offset_reset="earliest", **options
    )
    values: list[bytes] = []
    try:
        await consumer.start()
        while len(values) < count:
            fetched = await consumer.getmany(timeout_ms=1000)
            values += [record.value for records in fetched.values() for record in records]
        await consumer.commit()
    finally:
        await consumer.stop()
    return values


def sasl(kafka: EmbeddedKafka, mechanism: str, password: str) -> dict[str, Any]:
    """Return aiokafka's options for a SASL_SSL listener."""
    return {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": mechanism,
        "sasl_plain_username": kafka.username,
        "sasl_plain_password": password,
        "ssl_context": ssl.create_default_context(cafile=str(kafka.cafile)),
    }


async def test_a_broker_takes_records_and_gives_them_back(kafka: Broker, topic_names: Callable[[str], str]) -> None:
    """An idempotent producer and a consumer group work on a topic that was created before."""
    topic = topic_names("events")
    with anyio.fail_after(DEADLINE):
        await create_topic(kafka.bootstrap_servers, topic)
        async with producer(kafka.bootstrap_servers) as out:
            for value in (b"one", b"two", b"three"):
                await out.send_and_wait(topic, value, headers=[("kind", b"test")])
        assert await consume(kafka.bootstrap_servers, topic, 3) == [b"one", b"two", b"three"]


async def test_transactions_work(kafka: Broker, topic_names: Callable[[str], str]) -> None:
    """The transaction coordinator is there: stand-ins for Kafka fail here."""
    topic = topic_names("events")
    with anyio.fail_after(DEADLINE):
        await create_topic(kafka.bootstrap_servers, topic)
        async with producer(kafka.bootstrap_servers, transactional_id=topic_names("id")) as out, out.transaction():
            await out.send(topic, b"committed")
        servers = kafka.bootstrap_servers
        assert await consume(servers, topic, 1, isolation_level="read_committed") == [b"committed"]


def test_topic_names_are_fresh(topic_names: Callable[[str], str]) -> None:
    """A name is the same within a test, and another one in every other."""
    assert topic_names("a") == topic_names("a") != topic_names("b")
    assert topic_names("a").startswith("test_topic_names_are_fresh-")


async def test_three_nodes_lose_nothing_when_one_is_killed(
    kafka3: EmbeddedKafka, topic_names: Callable[[str], str]
) -> None:
    """Writes that wait for all replicas in sync go on after kill -9 of the leader, in order, and it can come back."""
    topic = topic_names("events")
    servers = kafka3.bootstrap_servers
    sent = [b"%d" % number for number in range(60)]
    with anyio.fail_after(2 * DEADLINE):
        leader = await create_topic(servers, topic, replicas=3)
        async with producer(servers) as out:
            for value in sent[:20]:
                await out.send_and_wait(topic, value)
            kafka3.kill(leader)
            try:
                assert kafka3.alive == {1, 2, 3} - {leader}
                for value in sent[20:40]:
                    await out.send_and_wait(topic, value)
            finally:
                await anyio.to_thread.run_sync(kafka3.restart, leader)
            assert kafka3.alive == {1, 2, 3}
            for value in sent[40:]:
                await out.send_and_wait(topic, value)
        assert await consume(servers, topic, len(sent)) == sent


async def test_a_restart_in_good_order_keeps_data_and_address(
    topic_names: Callable[[str], str], tmp_path: Path
) -> None:
    """A single node comes back at the same port, and a new cluster object finds the kept data, even at other ports."""
    topic = topic_names("events")
    with anyio.fail_after(DEADLINE):
        with EmbeddedKafka(data_dir=tmp_path / "data") as kafka:
            servers, pid = kafka.bootstrap_servers, kafka.pid(1)
            await create_topic(servers, topic)
            async with producer(servers) as out:
                await out.send_and_wait(topic, b"kept")
            await anyio.to_thread.run_sync(kafka.restart, 1)
            assert kafka.bootstrap_servers == servers
            assert kafka.pid(1) != pid
            assert await consume(servers, topic, 1) == [b"kept"]
        with EmbeddedKafka(data_dir=tmp_path / "data", secure=True) as kafka:
            login = sasl(kafka, "SCRAM-SHA-512", kafka.password)
            assert await consume(kafka.sasl_bootstrap_servers, topic, 1, **login) == [b"kept"]


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
async def test_the_right_password_is_taken(
    secure_kafka: EmbeddedKafka, topic_names: Callable[[str], str], mechanism: str
) -> None:
    """Records pass over TLS with both mechanisms, the server's name being verified."""
    topic = topic_names("events")
    login = sasl(secure_kafka, mechanism, secure_kafka.password)
    with anyio.fail_after(DEADLINE):
        await create_topic(secure_kafka.bootstrap_servers, topic)
        async with producer(secure_kafka.sasl_bootstrap_servers, **login) as out:
            await out.send_and_wait(topic, b"secret")
        assert await consume(secure_kafka.sasl_bootstrap_servers, topic, 1, **login) == [b"secret"]


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
async def test_a_wrong_password_is_refused(
    secure_kafka: EmbeddedKafka, mechanism: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody gets in by knowing the user's name."""
    login = sasl(secure_kafka, mechanism, "wrong")
    with anyio.fail_after(DEADLINE):
        async with farewells(monkeypatch):
            with pytest.raises(KafkaConnectionError):
                async with producer(secure_kafka.sasl_bootstrap_servers, **login):
                    pytest.fail("a wrong password was taken")


async def test_an_untrusted_authority_is_refused(secure_kafka: EmbeddedKafka) -> None:
    """The certificate is worth something only with its own authority's file."""
    login = sasl(secure_kafka, "PLAIN", secure_kafka.password) | {"ssl_context": ssl.create_default_context()}
    with anyio.fail_after(DEADLINE), pytest.raises(KafkaConnectionError):
        async with producer(secure_kafka.sasl_bootstrap_servers, **login):
            pytest.fail("an unknown authority was trusted")


def test_a_port_that_is_taken_meanwhile_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between choosing a port and binding it somebody can be quicker: the brokers then start on other ports."""
    with socket.create_server((HOST, 0)) as quicker:
        taken = quicker.getsockname()[1]
        choices = [[taken, *free_ports(1)]]
        monkeypatch.setattr(cluster, "free_ports", lambda count: choices.pop() if choices else free_ports(count))
        monkeypatch.setattr(cluster, "check_ports_free", lambda _: None)
        with EmbeddedKafka() as kafka:
            assert not choices
            assert kafka.bootstrap_servers != f"{HOST}:{taken}"


def test_a_broker_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    """The error ends with what the broker said, and nothing is left running."""
    kafka = EmbeddedKafka(data_dir=tmp_path, properties={"background.threads": "many"})
    with pytest.raises(EmbeddedKafkaUnavailable, match=r"background\.threads"):
        kafka.start()
    assert kafka.alive == frozenset()


def test_the_temporary_folder_is_removed_at_the_end() -> None:
    """Tests leave nothing behind in the temporary folder."""
    with EmbeddedKafka() as kafka:
        log = kafka.log_file(1)
        assert "Kafka Server started" in log.read_text()
    assert not log.parent.parent.exists()


def test_brokers_die_with_the_process_that_started_them(tmp_path: Path) -> None:
    """After kill -9 of the starter the kernel closes the brokers' connections: they are gone, too."""
    with subprocess.Popen([*COMMAND, "--data-dir", str(tmp_path)], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        host, port = starter.stdout.readline().strip().split(":")
        with socket.create_connection((host, int(port)), timeout=DEADLINE) as connection:
            starter.kill()
            with contextlib.suppress(ConnectionResetError):  # as good an end as an orderly one
                assert connection.recv(1) == b""
    with EmbeddedKafka(data_dir=tmp_path):
        """The data folder is free again, and good."""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_command_runs_until_it_is_told_to_end(ending: signal.Signals) -> None:
    """It prints the bootstrap servers when they are ready, and an orderly end is a success."""
    with subprocess.Popen([*COMMAND, "--secure"], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        servers, *rest = (running.stdout.readline().strip() for _ in range(5))
        assert [line.split(" ")[0] for line in rest] == ["sasl_ssl", "ca_file", "username", "password"]
        view = ask_metadata(int(servers.rpartition(":")[2]))
        assert view is not None
        assert view.brokers == {1}
        running.send_signal(ending)
        assert running.wait(DEADLINE) == 0


def test_the_command_ends_with_its_broker(capsys: pytest.CaptureFixture[str]) -> None:
    """If the broker dies by itself, the command says so and fails."""
    with EmbeddedKafka() as kafka:
        kafka.kill(1)
        assert run_until_interrupted(kafka, quorum=1) == 1
    assert "ended by themselves" in capsys.readouterr().err


def test_the_command_says_in_one_line_why_it_cannot_start() -> None:
    """A port that is taken is a configuration fault, exit code 78, without a traceback."""
    with socket.create_server((HOST, 0)) as server:
        port = str(server.getsockname()[1])
        ended = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, check=False)
    assert ended.returncode == 78
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"error: port 127.0.0.1:{port} cannot be used")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["--nodes", "2"], 2), (["--port", "70000"], 2)])
def test_the_command_explains_itself(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Help has examples; wrong usage ends with 2 and names the option."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == code
    printed = capsys.readouterr()
    assert "examples:" in printed.out if code == 0 else arguments[0] in printed.err
