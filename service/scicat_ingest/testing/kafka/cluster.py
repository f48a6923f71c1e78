"""A real Apache Kafka, started and stopped from Python."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from scicat_ingest.testing.kafka.certificates import write_certificates
from scicat_ingest.testing.kafka.distribution import fetch_from_maven, java
from scicat_ingest.testing.kafka.faults import EmbeddedKafkaUnavailable, PortTaken
from scicat_ingest.testing.kafka.identity import Identity, open_identity
from scicat_ingest.testing.kafka.jars import cache_folder, class_path, pinned_jars
from scicat_ingest.testing.kafka.jvm import Jvm, format_storage
from scicat_ingest.testing.kafka.metadata import ask_metadata
from scicat_ingest.testing.kafka.ports import HOST, check_ports_free, free_ports
from scicat_ingest.testing.kafka.process import LeashedProcess
from scicat_ingest.testing.kafka.properties import (
    LOG4J2_PROPERTIES,
    Credentials,
    Node,
    format_properties,
    server_properties,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike
    from types import TracebackType

PORT_ATTEMPTS = 5
"""Free ports are chosen about a second before they are bound; somebody may be quicker."""
READY_SECONDS = 90.0
STOP_SECONDS = 10.0
"""How long an orderly end may take: controllers that leave together can wait for each other."""
POLL_SECONDS = 0.02

logger = logging.getLogger(__name__)


class EmbeddedKafka:
    """One or three brokers of Apache Kafka 4.4 on the loopback interface, for as long as a `with` statement lasts.

    - `secure` adds listeners with SASL_SSL, for SCRAM-SHA-512 and PLAIN, to the plain ones.
    - `data_dir` is kept, and its data is found again; without it there is a temporary folder, removed by `stop`.
    - `port` is the first of the consecutive ports that are used: two a node, three with `secure`. 0 means free ones.
    - `heap` bounds each broker's Java heap; the process takes about as much again.
    - `properties` are any of Kafka's broker properties; they win over ours.

    The brokers end with the process that started them, however that ends (see `process`). Topics are not created by
    using them. With three nodes everything has three replicas, two of which must be in sync.

    `start` blocks for some seconds: from async code, call it in a worker thread. The object is not for several threads
    at once.
    """

    def __init__(
        self,
        nodes: Literal[1, 3] = 1,
        *,
        secure: bool = False,
        data_dir: str | PathLike[str] | None = None,
        port: int = 0,
        heap: str = "256m",
        properties: Mapping[str, str] | None = None,
    ) -> None:
        self.secure = secure
        self._size = nodes
        self._data_dir = None if data_dir is None else Path(data_dir).absolute()
        self._port = port
        self._heap = heap
        self._overrides = dict(properties or {})
        self._folder: Path | None = None
        self._identity: Identity | None = None
        self._nodes: tuple[Node, ...] = ()
        self._jvm: Jvm | None = None
        self._processes: dict[int, LeashedProcess] = {}

    # What a client needs

    @property
    def bootstrap_servers(self) -> str:
        """Addresses of the plain listeners, separated by commas."""
        return ",".join(f"{HOST}:{node.client_port}" for node in self._nodes)

    @property
    def sasl_bootstrap_servers(self) -> str:
        """Addresses of the SASL_SSL listeners; empty unless secure."""
        return ",".join(f"{HOST}:{node.sasl_port}" for node in self._nodes if node.sasl_port is not None)

    @property
    def cafile(self) -> Path:
        """The PEM file of the authority that signed the brokers' certificate."""
        return self._started_folder / "ca.pem"

    @property
    def username(self) -> str:
        """Who may connect to the SASL_SSL listeners."""
        return self._started_identity.username

    @property
    def password(self) -> str:
        """That user's password: random, and kept with the data."""
        return self._started_identity.password

    @property
    def alive(self) -> frozenset[int]:
        """The numbers, from 1, of the nodes whose process runs."""
        return frozenset(number for number, process in self._processes.items() if process.exit_code is None)

    def pid(self, node: int) -> int:
        """Return the process id of `node`."""
        return self._processes[node].pid

    def log_file(self, node: int) -> Path:
        """Return the file with the log of `node`. It goes with the temporary folder."""
        return self._nodes[node - 1].log_file

    # Its life

    def start(self) -> Self:
        """Start all nodes and return when each of them lists all of them.

        The first start on a machine downloads 45 MB.

        Raises EmbeddedKafkaUnavailable, with what to do about it, if Java, the jars, a port or the brokers themselves
        fail; nothing is left running then.
        """
        if self._processes:
            raise RuntimeError("the embedded Kafka is already started")
        try:
            for attempt in range(1, PORT_ATTEMPTS + 1):
                try:
                    self._start_once()
                except PortTaken:
                    self.stop()
                    if self._port or attempt == PORT_ATTEMPTS:
                        raise
                    logger.info("a port was taken before the embedded Kafka had bound it; choosing others")
                else:
                    return self
        except OSError as error:
            self.stop()
            raise EmbeddedKafkaUnavailable(f"the embedded Kafka cannot be set up: {error}") from error
        except BaseException:
            self.stop()
            raise
        raise AssertionError  # the last attempt returns or raises

    def stop(self) -> None:
        """End all nodes and remove the temporary folder, if the data is in one. Does nothing if nothing runs."""
        for process in self._processes.values():
            if self._data_dir is None:
                process.kill()  # nobody will read this data again
            else:
                process.ask_to_end()
        end = time.monotonic() + STOP_SECONDS
        for process in self._processes.values():
            process.wait(max(0.0, end - time.monotonic()))
        self._processes.clear()
        if self._data_dir is None and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    def kill(self, node: int) -> None:
        """End `node` at once, as `kill -9` or a power cut does. The others notice after 6 s."""
        self._processes[node].kill()

    def restart(self, node: int) -> None:
        """Start `node` again on its data and ports, after an orderly end if it runs, and wait until it is ready.

        Raises EmbeddedKafkaUnavailable if it does not come back.
        """
        process = self._processes[node]
        process.ask_to_end()
        process.wait(STOP_SECONDS)
        self._spawn(self._nodes[node - 1])
        self._wait_until_ready([self._nodes[node - 1]])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    # Its insides

    @property
    def _started_folder(self) -> Path:
        if self._folder is None:
            raise RuntimeError("the embedded Kafka is not started")
        return self._folder

    @property
    def _started_identity(self) -> Identity:
        if self._identity is None:
            raise RuntimeError("the embedded Kafka is not started")
        return self._identity

    def _start_once(self) -> None:
        folder = self._folder = self._data_dir or Path(tempfile.mkdtemp(prefix="scicat-ingest-kafka-"))
        folder.mkdir(parents=True, exist_ok=True)
        jars = class_path(cache_folder(), pinned_jars(), fetch_from_maven)
        self._jvm = Jvm(java(), jars, folder / "log4j2.properties")
        self._jvm.log4j_file.write_text(LOG4J2_PROPERTIES, encoding="utf-8")
        self._identity = open_identity(folder, self._size)
        self._nodes = self._lay_out(folder)
        self._configure(folder, self._identity)
        format_storage(self._jvm, self._nodes, self._identity)
        for node in self._nodes:
            self._spawn(node)
        self._wait_until_ready(self._nodes)

    def _lay_out(self, folder: Path) -> tuple[Node, ...]:
        kinds = 3 if self.secure else 2
        count = kinds * self._size
        ports = list(range(self._port, self._port + count)) if self._port else free_ports(count)
        check_ports_free(ports)
        return tuple(
            Node(index + 1, folder / f"node-{index + 1}", *ports[index :: self._size]) for index in range(self._size)
        )

    def _configure(self, folder: Path, identity: Identity) -> None:
        keystore = folder / "server.pem"
        if self.secure:
            write_certificates(self.cafile, keystore)
        login = Credentials(identity.username, identity.password)
        for node in self._nodes:
            node.folder.mkdir(exist_ok=True)
            node.properties_file.touch(mode=0o600)
            properties = server_properties(node, self._nodes, login, keystore, self._overrides)
            node.properties_file.write_text(format_properties(properties), encoding="utf-8")

    def _spawn(self, node: Node) -> None:
        if self._jvm is None:
            raise RuntimeError("the embedded Kafka is not started")
        command = self._jvm.command("kafka.Kafka", str(node.properties_file), heap=self._heap)
        self._processes[node.number] = LeashedProcess(command, node.log_file)

    def _wait_until_ready(self, nodes: Iterable[Node]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        for node in nodes:
            while not self._is_ready(node):
                exit_code = self._processes[node.number].exit_code
                if exit_code is not None:
                    raise self._why_it_fails(node, f"ended with {exit_code}")
                if time.monotonic() > deadline:
                    raise self._why_it_fails(node, f"was not ready in {READY_SECONDS:.0f} s")
                time.sleep(POLL_SECONDS)

    def _is_ready(self, node: Node) -> bool:
        view = ask_metadata(node.client_port)
        # The cluster id tells our broker from another one that took its port.
        return view is not None and view.cluster_id == self._started_identity.cluster_id and self.alive <= view.brokers

    def _why_it_fails(self, node: Node, what: str) -> EmbeddedKafkaUnavailable:
        tail = self._processes[node.number].log_tail()
        if "Address already in use" in tail:
            return PortTaken(f"a port of node {node.number} of the embedded Kafka is in use, one of {node.ports}")
        return EmbeddedKafkaUnavailable(f"node {node.number} of the embedded Kafka {what}; its log ends:\n{tail}")
