"""Run the embedded Kafka from the command line: `python -m scicat_ingest.testing.kafka`."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from scicat_ingest.faults import EXIT_CONFIG
from scicat_ingest.testing.kafka.cluster import EmbeddedKafka
from scicat_ingest.testing.kafka.faults import EmbeddedKafkaUnavailable
from scicat_ingest.testing.kafka.jars import CACHE_VARIABLE, KAFKA_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = f"""\
examples:
  python -m scicat_ingest.testing.kafka                               one broker on a free port
  python -m scicat_ingest.testing.kafka --port 9092 --data-dir kdata  the same port and data each time
  python -m scicat_ingest.testing.kafka --nodes 3                     three brokers, three replicas
  python -m scicat_ingest.testing.kafka --secure                      SASL_SSL beside the plain listener

The first line on standard output is the list of bootstrap servers, written when all brokers are ready;
with --secure, lines for the secure listeners, the CA file, the user name and the password follow.
The jars (45 MB) are downloaded once and kept in the user's cache folder, or in ${CACHE_VARIABLE}.

exit codes: 0 ended by Ctrl-C or SIGTERM, 1 the brokers ended by themselves, 2 wrong usage,
            78 it could not be started, 130 interrupted before it was ready
"""
POLL_SECONDS = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run brokers until Ctrl-C and return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):  # a shell ignores SIGINT for what it starts in the background
        signal.signal(number, signal.default_int_handler)
    kafka = EmbeddedKafka(options.nodes, secure=options.secure, port=options.port, data_dir=options.data_dir)
    try:
        with kafka:
            return run_until_interrupted(kafka, quorum=options.nodes // 2 + 1)
    except EmbeddedKafkaUnavailable as fault:
        sys.stderr.write(f"error: {fault}\n")
        return EXIT_CONFIG
    except KeyboardInterrupt:
        return 130


def run_until_interrupted(kafka: EmbeddedKafka, quorum: int) -> int:
    """Print how to reach `kafka` and wait for Ctrl-C (0), or until fewer than `quorum` brokers are alive (1)."""
    lines = [kafka.bootstrap_servers]
    if kafka.secure:
        lines += [
            f"sasl_ssl {kafka.sasl_bootstrap_servers}",
            f"ca_file {kafka.cafile}",
            f"username {kafka.username}",
            f"password {kafka.password}",
        ]
    try:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        logging.getLogger(__name__).info("Apache Kafka %s is ready; Ctrl-C ends it", KAFKA_VERSION)
        while len(kafka.alive) >= quorum:
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        return 0
    sys.stderr.write("error: too few brokers are left; the others ended by themselves\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scicat_ingest.testing.kafka",
        description=f"Run a real Apache Kafka {KAFKA_VERSION} on the loopback interface until Ctrl-C.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1, help="number of brokers (default: 1)")
    parser.add_argument("--secure", action="store_true", help="add SASL_SSL listeners: SCRAM-SHA-512 and PLAIN")
    parser.add_argument("--port", type=_port, default=0, help="first of the consecutive ports (default: free ones)")
    parser.add_argument("--data-dir", type=Path, help="keep the data here (default: a temporary folder)")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is not between 0 and 65535")
    return port


if __name__ == "__main__":
    sys.exit(main())
