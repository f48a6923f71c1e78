"""Checksums of files."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest
import xxhash
from tests.unit.storage.lists.listings import Clock, never, put, scanned

from scicat_ingest.faults import InvalidField, NotThereYet
from scicat_ingest.storage.lists.checksums import Pace, checksum
from scicat_ingest.storage.roots import Roots

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"data" * 1_000_000
MADE = {
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
    "blake2b": hashlib.blake2b(CONTENT).hexdigest(),
    "xxh3_64": xxhash.xxh3_64_hexdigest(CONTENT),
    "xxh3_128": xxhash.xxh3_128_hexdigest(CONTENT),
}


@pytest.mark.parametrize("algorithm", MADE)
def test_a_checksum_is_what_others_make_of_the_file(tmp_path: Path, algorithm: str) -> None:
    """Asked for by the event or by the settings."""
    put(tmp_path, "a", content=CONTENT)
    for files in (scanned(tmp_path, {"checksums": algorithm}), scanned(tmp_path, checksums=algorithm)):
        assert [file.chk for file in files] == [MADE[algorithm]]
        assert files.checksum_algorithm == algorithm


def test_xxh3_is_the_one_of_128_bits(tmp_path: Path) -> None:
    """And the dataset says which it is."""
    put(tmp_path, "a", content=CONTENT)
    files = scanned(tmp_path, {"checksums": "XXH3"})
    assert ([file.chk for file in files], files.checksum_algorithm) == ([MADE["xxh3_128"]], "xxh3_128")


@pytest.mark.parametrize("name", ["md5", "crc32", "sha", "__class__"])
def test_other_algorithms_are_refused_with_a_list(tmp_path: Path, name: str) -> None:
    """Before anything is read."""
    with pytest.raises(InvalidField, match="expected one of sha256, blake2b, xxh3_64, xxh3_128") as caught:
        scanned(tmp_path, {"checksums": name})
    assert caught.value.field == "scan.checksums"


def test_no_more_bytes_a_second_are_read_than_allowed(tmp_path: Path) -> None:
    """Over all files: the first piece goes at once, the last one when all before it have had their time."""
    clock = Clock()
    pace = Pace(1_000_000, clock, clock.sleep)
    put(tmp_path, "a", "b", content=CONTENT)
    scanned(tmp_path, {"checksums": "xxh3"}, pace=pace)
    assert clock.now == pytest.approx(8 - (4_000_000 % 2**20) / 1e6)
    assert max(clock.slept) <= 0.5


def test_the_log_says_how_far_it_is() -> None:
    """Not more often than every half a minute."""
    clock, said = Clock(), list[str]()
    pace = Pace(1e9, clock, clock.sleep, said.append)
    for _ in range(65):
        pace.take(1_000_000_000, "/data/a", never)
    assert said == ["32.0 GB read for checksums, now at /data/a", "62.0 GB read for checksums, now at /data/a"]


def test_a_pause_is_given_up_with_the_work() -> None:
    """A slow pace does not hold up the end of the service."""
    clock = Clock()
    pace = Pace(1, clock, clock.sleep)
    pace.take(1_000_000, "a", never)

    class GivenUpError(Exception):
        pass

    def give_up() -> None:
        if clock.now > 3:
            raise GivenUpError

    with pytest.raises(GivenUpError):
        pace.take(1, "a", give_up)
    assert clock.now < 5


def test_a_file_that_changes_while_it_is_read_is_waited_for(tmp_path: Path) -> None:
    """Its checksum would be of neither the old nor the new one."""
    put(tmp_path, "a", content=CONTENT)

    def write() -> None:
        with (tmp_path / "a").open("ab") as file:
            file.write(b"more")
        os.utime(tmp_path / "a")

    with pytest.raises(NotThereYet, match="changed while it was read"):
        checksum(str(tmp_path / "a"), "sha256", Roots((str(tmp_path),)), Pace(None, Clock(), Clock().sleep), write)
