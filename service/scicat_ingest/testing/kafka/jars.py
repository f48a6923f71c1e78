"""The jars of Apache Kafka: which they are, whether they are intact, and how the missing ones are put in place.

The class path is *pinned*: `kafka-4.4.0.sha256` names every jar by its path in a Maven repository, with its SHA-256. It
is what `org.apache.kafka:kafka_2.13:4.4.0` resolves to, and log4j's binding for SLF4J 1.7. Nothing is resolved at run
time: that takes 12 s of CPU time, and asking for the binding *together* with Kafka lets its dependency management pull
kafka-clients back to 3.9.1, after which the broker dies with NoSuchMethodError.

The cache is a flat folder. Each jar gets there by a rename, so a reader sees a whole file or none, and a running broker
keeps the files that it opened. All of them are hashed at each start: 45 MB take 0.03 s.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from scicat_ingest.testing.kafka.faults import EmbeddedKafkaUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KAFKA_VERSION = "4.4.0"
CACHE_VARIABLE = "SCICAT_INGEST_KAFKA_CACHE"
ATTEMPTS = 2
"""A jar that is not what was pinned is fetched once more: a broken transfer happens, two in a row do not."""

FILL_HINT = (
    f"run once with network, or set {CACHE_VARIABLE} to a filled folder, or give a broker with kafka.bootstrap_servers"
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PinnedJar:
    """One jar of the class path.

    `path` is its place in a Maven repository (group folders/artifact/version/file), `sha256` its digest in lower-case
    hexadecimal digits.
    """

    path: PurePosixPath
    sha256: str

    @property
    def name(self) -> str:
        """The file name, unique among the pinned jars."""
        return self.path.name

    @property
    def group(self) -> str:
        """The Maven group, such as `org.apache.kafka`."""
        return ".".join(self.path.parts[:-3])

    @property
    def artifact(self) -> str:
        """The Maven artifact, such as `kafka_2.13`."""
        return self.path.parts[-3]

    @property
    def version(self) -> str:
        """The Maven version, such as `4.4.0`."""
        return self.path.parts[-2]

    def is_intact(self, file: Path) -> bool:
        """Whether `file` exists and is this jar, byte for byte. Raises OSError if it cannot be read."""
        try:
            with file.open("rb") as opened:
                return hashlib.file_digest(opened, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


class Fetch(Protocol):
    """Gets one jar from somewhere."""

    def __call__(self, jar: PinnedJar, staging: Path) -> Path:
        """Put `jar` somewhere below the folder `staging` and return the file.

        Raises EmbeddedKafkaUnavailable if it cannot be had. What it returns is checked by the caller.
        """
        ...


def pinned_jars() -> tuple[PinnedJar, ...]:
    """Every jar on the class path of Apache Kafka, as shipped with this package."""
    return parse_pins(files(__package__).joinpath(f"kafka-{KAFKA_VERSION}.sha256").read_text(encoding="ascii"))


def parse_pins(text: str) -> tuple[PinnedJar, ...]:
    """Read lines of `sha256sum`: digest, two spaces, path."""
    pairs = (line.split("  ", 1) for line in text.splitlines())
    return tuple(PinnedJar(PurePosixPath(path), digest) for digest, path in pairs)


def cache_folder() -> Path:
    """Where the jars are kept: $SCICAT_INGEST_KAFKA_CACHE, else a folder in the user's cache (XDG base directories).

    Raises EmbeddedKafkaUnavailable if there is no such setting and the user has no home folder.
    """
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser().absolute()
    # The XDG specification says that a relative XDG_CACHE_HOME is to be ignored.
    home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        base = home if home.is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        raise EmbeddedKafkaUnavailable("there is no home folder to keep Kafka's jars in", hint=FILL_HINT) from None
    return base / "scicat-ingest" / f"kafka-{KAFKA_VERSION}"


def class_path(folder: Path, pins: Sequence[PinnedJar], fetch: Fetch) -> tuple[Path, ...]:
    """Return all jars, intact and in the order of `pins`; fetch what is missing or damaged into `folder`.

    Any number of processes may do this at once: one fetches, the others wait for it. A folder that is already filled is
    only read, so it may be read-only. Other files in the folder are neither touched nor put on the class path.

    Raises EmbeddedKafkaUnavailable, with what to do, if a jar cannot be had or arrives damaged twice.
    """
    try:
        if damaged_jars(folder, pins):
            folder.mkdir(parents=True, exist_ok=True)
            with _only_one_process(folder / ".lock"):
                _fill(folder, pins, fetch)
    except OSError as error:
        raise EmbeddedKafkaUnavailable(f"the jar cache {folder} cannot be used: {error}", hint=FILL_HINT) from None
    return tuple(folder / jar.name for jar in pins)


def damaged_jars(folder: Path, pins: Sequence[PinnedJar]) -> list[PinnedJar]:
    """Which jars in `folder` are missing or not what was pinned."""
    return [jar for jar in pins if not jar.is_intact(folder / jar.name)]


def _fill(folder: Path, pins: Sequence[PinnedJar], fetch: Fetch) -> None:
    wanted = damaged_jars(folder, pins)  # another process may have filled it while we waited for the lock
    for _ in range(ATTEMPTS):
        if not wanted:
            return
        logger.info("fetching %d jars of Apache Kafka %s into %s", len(wanted), KAFKA_VERSION, folder)
        for jar in wanted:
            (folder / jar.name).unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as staging:
            for jar in wanted:
                file = fetch(jar, Path(staging))
                if jar.is_intact(file):
                    file.replace(folder / jar.name)
        wanted = damaged_jars(folder, wanted)
    if wanted:
        names = ", ".join(jar.name for jar in wanted[:3]) + (", …" if len(wanted) > 3 else "")
        raise EmbeddedKafkaUnavailable(
            f"{len(wanted)} of Apache Kafka's jars are not what they must be, twice: {names}; "
            "something on the way changes them, such as a proxy",
            hint=FILL_HINT,
        )


@contextmanager
def _only_one_process(lock: Path) -> Iterator[None]:
    """Hold an exclusive lock. The kernel frees it when a process dies, so none is ever left behind."""
    with lock.open("w") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
