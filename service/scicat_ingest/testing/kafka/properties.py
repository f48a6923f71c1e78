"""The configuration of each broker, as a pure function of the cluster's layout.

Names and meanings are in Kafka's own documentation, "Broker Configs". Everything is small and quick: this is a broker
for tests and the demo on one machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scicat_ingest.testing.kafka.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCRAM_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule"
PLAIN_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"

LOG4J2_PROPERTIES = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
"""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client needs on the SASL_SSL listeners, with SCRAM-SHA-512 or PLAIN."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Node:
    """One broker that is also a controller.

    `number` counts from 1 and is its node id; `sasl_port` is None without SASL.
    """

    number: int
    folder: Path
    client_port: int
    controller_port: int
    sasl_port: int | None = None

    @property
    def ports(self) -> tuple[int, ...]:
        """All ports that it binds."""
        ports = (self.client_port, self.controller_port)
        return ports if self.sasl_port is None else (*ports, self.sasl_port)

    @property
    def properties_file(self) -> Path:
        """Its `server.properties`."""
        return self.folder / "server.properties"

    @property
    def log_file(self) -> Path:
        """What the broker writes on standard output and standard error, its log among it."""
        return self.folder / "broker.log"


def server_properties(
    node: Node, nodes: tuple[Node, ...], login: Credentials, keystore: Path, overrides: Mapping[str, str]
) -> dict[str, str]:
    """Return the properties of `node` in the cluster `nodes`; `overrides` win.

    With three nodes everything has three replicas, two of which must be in sync. `keystore` is a PEM file with key and
    certificate chain; it is used on SASL listeners only.
    """
    replicas = str(len(nodes))
    in_sync = str(max(1, len(nodes) - 1))
    listeners = {"PLAINTEXT": node.client_port, "CONTROLLER": node.controller_port}
    secure: dict[str, str] = {}
    if node.sasl_port is not None:
        listeners["SASL_SSL"] = node.sasl_port
        secure = _sasl_ssl_properties(login, keystore)
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.number),
        "controller.quorum.voters": ",".join(f"{each.number}@{HOST}:{each.controller_port}" for each in nodes),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listeners": ",".join(f"{name}://{HOST}:{port}" for name, port in listeners.items()),
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL",
        "log.dirs": str(node.folder / "data"),
        # A service that relies on a topic must create it: a typing error must not.
        "auto.create.topics.enable": "false",
        "num.partitions": "3",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.num.partitions": "3",
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.num.partitions": "3",
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": "3",
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        # Else the first join of every consumer group takes 3 s.
        "group.initial.rebalance.delay.ms": "0",
        # A killed node is noticed after 6 s instead of 9.
        "broker.session.timeout.ms": "6000",
        "broker.heartbeat.interval.ms": "1000",
        "num.network.threads": "2",
        "num.io.threads": "2",
        # 128 MB by default, half of our heap.
        "log.cleaner.dedupe.buffer.size": "4194304",
        **secure,
        **overrides,
    }


def _sasl_ssl_properties(login: Credentials, keystore: Path) -> dict[str, str]:
    name = "listener.name.sasl_ssl."
    return {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
        name + "scram-sha-512.sasl.jaas.config": f"{SCRAM_LOGIN} required;",
        name + "plain.sasl.jaas.config": f'{PLAIN_LOGIN} required user_{login.username}="{login.password}";',
        name + "ssl.keystore.type": "PEM",
        name + "ssl.keystore.location": str(keystore),
        name + "ssl.client.auth": "none",
    }


def format_properties(properties: Mapping[str, str]) -> str:
    r"""Return the text of a Java properties file. Backslashes are escaped; keys are Kafka's and need nothing."""
    return "".join(f"{key}={value.replace(chr(92), chr(92) * 2)}\n" for key, value in properties.items())
