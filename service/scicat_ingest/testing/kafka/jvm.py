"""Command lines of Java programs from Kafka's jars, and the one that prepares a broker's storage."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scicat_ingest.testing.kafka.faults import EmbeddedKafkaUnavailable
from scicat_ingest.testing.kafka.process import java_environment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from scicat_ingest.testing.kafka.identity import Identity
    from scicat_ingest.testing.kafka.properties import Node

FORMAT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Jvm:
    """A Java runtime with Kafka's class path. `log4j_file` configures the log, which goes to standard output."""

    java: Path
    class_path: tuple[Path, ...]
    log4j_file: Path

    def command(self, main_class: str, *arguments: str, heap: str) -> list[str]:
        """Return the command line that runs `main_class` with at most `heap` of memory for objects, such as `256m`."""
        return [
            str(self.java),
            # Quick to start and small: one collector thread, and the simple compiler only.
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            f"-Xmx{heap}",
            "-Djava.awt.headless=true",
            # Kafka's jars use them, and Java 25 warns of it.
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            f"-Dlog4j2.configurationFile={self.log4j_file}",
            "-cp",
            os.pathsep.join(map(str, self.class_path)),
            main_class,
            *arguments,
        ]


def format_storage(jvm: Jvm, nodes: Iterable[Node], identity: Identity) -> None:
    """Prepare the storage of all `nodes` that have none yet: cluster id, and the SCRAM credentials.

    The credentials are stored whether the cluster is secure or not, so a kept data folder serves both.
    Raises EmbeddedKafkaUnavailable with the tool's output if it fails or takes longer than a minute.
    """
    scram = f"SCRAM-SHA-512=[name={identity.username},password={identity.password}]"
    running: list[subprocess.Popen[str]] = []
    try:
        for node in nodes:
            if (node.folder / "data" / "meta.properties").exists():
                continue
            tool = ["format", "-t", identity.cluster_id, "-c", str(node.properties_file), "--add-scram", scram]
            running.append(
                subprocess.Popen(  # noqa: S603 - the command is ours
                    jvm.command("kafka.tools.StorageTool", *tool, heap="128m"),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    env=java_environment(),
                )
            )
        for process in running:
            output, _ = process.communicate(timeout=FORMAT_SECONDS)
            if process.returncode != 0:
                raise EmbeddedKafkaUnavailable(f"Kafka's storage could not be formatted:\n{output[-2000:]}")
    except subprocess.TimeoutExpired:
        raise EmbeddedKafkaUnavailable(f"Kafka's storage was not formatted in {FORMAT_SECONDS:.0f} s") from None
    finally:
        for process in running:
            with process:  # closes its pipe and reaps it
                process.kill()
