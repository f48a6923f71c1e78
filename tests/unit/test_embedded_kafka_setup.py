"""What the embedded Kafka writes before a broker runs: properties, certificates, identity; and what it asks one."""

from __future__ import annotations

import json
import socket
import ssl
import stat
import struct
import sys
from pathlib import Path

import pytest

from scicat_ingest.testing.kafka import EmbeddedKafka, EmbeddedKafkaUnavailable, PortTaken
from scicat_ingest.testing.kafka.certificates import write_certificates
from scicat_ingest.testing.kafka.identity import FILE_NAME, open_identity
from scicat_ingest.testing.kafka.metadata import ClusterView, ask_metadata, parse_metadata
from scicat_ingest.testing.kafka.ports import HOST, check_ports_free, free_ports
from scicat_ingest.testing.kafka.properties import Credentials, Node, format_properties, server_properties

LOGIN = Credentials("user", "secret")
KEYSTORE = Path("/keys/server.pem")


def nodes(count: int, *, secure: bool = False) -> tuple[Node, ...]:
    """Lay out a cluster on made-up ports."""
    return tuple(
        Node(n, Path(f"/data/node-{n}"), 9000 + n, 9100 + n, 9200 + n if secure else None) for n in range(1, count + 1)
    )


def test_one_node_keeps_one_replica_of_everything() -> None:
    """A single broker can hold no more than one replica, and must accept writes that are acknowledged by it alone."""
    (node,) = nodes(1)
    properties = server_properties(node, (node,), LOGIN, KEYSTORE, {})
    assert {value for key, value in properties.items() if key.endswith("replication.factor")} == {"1"}
    assert properties["min.insync.replicas"] == "1"
    assert properties["listeners"] == "PLAINTEXT://127.0.0.1:9001,CONTROLLER://127.0.0.1:9101"
    assert properties["auto.create.topics.enable"] == "false"
    assert not any("sasl" in key for key in properties)


def test_three_nodes_keep_three_replicas_and_need_two() -> None:
    """Internal topics are as safe as the others, and every node knows all voters."""
    cluster = nodes(3)
    properties = server_properties(cluster[1], cluster, LOGIN, KEYSTORE, {})
    assert {value for key, value in properties.items() if key.endswith("replication.factor")} == {"3"}
    assert {value for key, value in properties.items() if key.endswith(("min.isr", "insync.replicas"))} == {"2"}
    assert properties["controller.quorum.voters"] == "1@127.0.0.1:9101,2@127.0.0.1:9102,3@127.0.0.1:9103"
    assert properties["node.id"] == "2"


def test_a_secure_node_adds_a_listener_and_keeps_the_plain_one() -> None:
    """SASL_SSL comes beside PLAINTEXT, with both mechanisms and the user's password for PLAIN."""
    (node,) = nodes(1, secure=True)
    properties = server_properties(node, (node,), LOGIN, KEYSTORE, {})
    assert "PLAINTEXT://127.0.0.1:9001" in properties["listeners"]
    assert "SASL_SSL://127.0.0.1:9201" in properties["listeners"]
    assert properties["sasl.enabled.mechanisms"] == "SCRAM-SHA-512,PLAIN"
    assert 'user_user="secret"' in properties["listener.name.sasl_ssl.plain.sasl.jaas.config"]
    assert properties["listener.name.sasl_ssl.ssl.keystore.location"] == str(KEYSTORE)
    assert node.ports == (9001, 9101, 9201)


def test_given_properties_win() -> None:
    """A test can change any property of the broker."""
    (node,) = nodes(1)
    properties = server_properties(node, (node,), LOGIN, KEYSTORE, {"num.partitions": "7", "new": "x"})
    assert (properties["num.partitions"], properties["new"]) == ("7", "x")


def test_backslashes_survive_a_properties_file() -> None:
    """Java reads a backslash as the start of an escape."""
    assert format_properties({"a": "x\\y", "b": "z"}) == "a=x\\\\y\nb=z\n"


def test_an_identity_stays_with_its_folder(tmp_path: Path) -> None:
    """Cluster id and password are made once, and only their owner may read them."""
    first = open_identity(tmp_path, 1)
    assert open_identity(tmp_path, 1) == first
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    other = tmp_path / "other"
    other.mkdir()
    assert open_identity(other, 1).password != first.password


def test_a_folder_of_another_cluster_size_is_refused(tmp_path: Path) -> None:
    """Three nodes cannot run on the data of one."""
    open_identity(tmp_path, 1)
    with pytest.raises(EmbeddedKafkaUnavailable, match=r"data of 1 node\(s\), not 3"):
        open_identity(tmp_path, 3)


@pytest.mark.parametrize("content", ["", "[]", json.dumps({"cluster_id": "x"})])
def test_a_damaged_identity_is_refused(tmp_path: Path, content: str) -> None:
    """A file that is not ours is named, and nothing is overwritten."""
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(EmbeddedKafkaUnavailable, match="damaged"):
        open_identity(tmp_path, 1)
    assert (tmp_path / FILE_NAME).read_text() == content


def test_certificates_are_in_the_form_that_kafka_reads(tmp_path: Path) -> None:
    """The key is PKCS #8, readable by its owner only, and the chain follows it; Python can load both files."""
    cafile, keystore = tmp_path / "ca.pem", tmp_path / "server.pem"
    write_certificates(cafile, keystore)
    text = keystore.read_text()
    assert text.startswith("-----BEGIN PRIVATE KEY-----")
    assert text.count("-----BEGIN CERTIFICATE-----") == 1
    assert stat.S_IMODE(keystore.stat().st_mode) == 0o600
    ssl.create_default_context(cafile=str(cafile)).load_cert_chain(keystore)
    write_certificates(cafile, keystore)
    assert keystore.read_text() == text


def test_a_missing_trustme_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only secure brokers need it, and the error says how to get it."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(EmbeddedKafkaUnavailable, match="trustme") as caught:
        write_certificates(tmp_path / "ca.pem", tmp_path / "server.pem")
    assert caught.value.hint == "pip install trustme"


ANSWER = (
    struct.pack(">ii", 1, 2)
    + struct.pack(">ih9sih", 1, 9, b"127.0.0.1", 9092, -1)
    + struct.pack(">ih9sih4s", 3, 9, b"127.0.0.1", 9094, 4, b"rack")
    + struct.pack(">h3s", 3, b"cid")
    + struct.pack(">ii", 1, 0)
)


def test_a_metadata_answer_is_read_with_and_without_racks() -> None:
    """Strings may be null; what follows the cluster id is not needed."""
    assert parse_metadata(ANSWER) == ClusterView("cid", frozenset({1, 3}))


@pytest.mark.parametrize("size", range(len(ANSWER) - 8))
def test_a_metadata_answer_that_is_cut_short_is_no_answer(size: int) -> None:
    """A broker that dies while it answers must not look like one with fewer brokers."""
    with pytest.raises(struct.error):
        parse_metadata(ANSWER[:size])


def test_a_port_where_nobody_listens_gives_no_view() -> None:
    """Not ready is no error."""
    (port,) = free_ports(1)
    assert ask_metadata(port) is None


def test_free_ports_are_different_and_can_be_bound() -> None:
    """The kernel gives them, all at once."""
    ports = free_ports(20)
    assert len(set(ports)) == 20
    check_ports_free(ports)


def test_a_given_port_that_is_taken_is_named() -> None:
    """Who asks for a port gets that port or an error, never another one."""
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port 127.0.0.1:{port} cannot be used"):
            check_ports_free([port])


def test_ports_beyond_the_last_one_are_refused() -> None:
    """Consecutive ports can run over the end."""
    with pytest.raises(PortTaken, match="ports end at 65535"):
        check_ports_free([65536])


def test_an_embedded_kafka_that_is_not_started_says_so() -> None:
    """Addresses are empty before the start, and there are no credentials yet."""
    kafka = EmbeddedKafka(secure=True)
    assert kafka.bootstrap_servers == kafka.sasl_bootstrap_servers == ""
    assert kafka.alive == frozenset()
    with pytest.raises(RuntimeError, match="not started"):
        _ = kafka.password
    with pytest.raises(RuntimeError, match="not started"):
        _ = kafka.cafile
    kafka.stop()
