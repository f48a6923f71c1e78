"""Lists meet files: what a list does not say is looked up, what it says is compared."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from scicat_ingest.faults import ChecksumMismatch
from scicat_ingest.storage.lists.checksums import can_compare, checksum
from scicat_ingest.storage.lists.scan import from_stat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from scicat_ingest.storage.lists.listed import Listed, Listing


class Compared:
    """Files, completed and compared as the settings say."""

    def __init__(
        self,
        files: Iterable[Listed],
        listing: Listing,
        *,
        given: Callable[[], str | None],
        made: str | None,
        found_now: bool = False,
    ) -> None:
        """Take the files.

        `given` tells by which algorithm those have checksums that have one; `made` by which the others get one, if any.
        Files that were `found_now` need no other look at their size.
        """
        settings = listing.settings
        self._files = files
        self._listing = listing
        self._given = given
        self._made = made
        self._fills = settings.stat == "on" and not found_now
        self._compares_size = settings.verify != "off" and not found_now
        self._compares_checksum = settings.verify == "all"

    def __iter__(self) -> Iterator[Listed]:
        """Give the files. Raises ChecksumMismatch, NotThereYet, FileUnreadable, ForbiddenBySource."""
        for file in self._files:
            looked_at = self._with_facts(file) if self._fills or self._compares_size else file
            yield self._with_checksum(looked_at)

    def _with_facts(self, file: Listed) -> Listed:
        descriptor = self._listing.roots.open_file(self._listing.absolute(file.path), "files")
        try:
            facts = from_stat(file.path, os.fstat(descriptor), self._listing.settings.owners)
        finally:
            os.close(descriptor)
        if self._compares_size and file.size is not None and file.size != facts.size:
            self._differs(f"{file.path!r} has {facts.size} bytes, the list says {file.size}")
        if not self._fills:
            return file
        return replace(
            file,
            size=facts.size if file.size is None else file.size,
            time=file.time or facts.time,
            uid=file.uid or facts.uid,
            gid=file.gid or facts.gid,
            perm=file.perm or facts.perm,
        )

    def _with_checksum(self, file: Listed) -> Listed:
        given = self._given()
        if file.chk is not None and given is not None:
            if self._compares_checksum:
                self._compare(file, file.chk, given)
            return file
        if self._made is None:
            return file
        if file.chk is not None:
            self._listing.remarks.note("checksums of an algorithm that nobody names were made anew", file.path)
        return replace(file, chk=self._checksum(file, self._made))

    def _compare(self, file: Listed, chk: str, algorithm: str) -> None:
        if not can_compare(algorithm):
            self._listing.remarks.note(f"checksums by {algorithm[:80]!r} cannot be compared here", file.path)
            return
        real = self._checksum(file, algorithm)
        if real != chk.strip().lower():
            self._differs(f"{file.path!r} has the {algorithm} {real}, the list says {chk[:128]}")

    def _checksum(self, file: Listed, algorithm: str) -> str:
        listing = self._listing
        return checksum(listing.absolute(file.path), algorithm, listing.roots, listing.pace, listing.check_cancelled)

    def _differs(self, message: str) -> None:
        if self._listing.settings.on_mismatch == "reject":
            raise ChecksumMismatch(message, field="files", hint="files.on_mismatch: warn would let it pass")
        self._listing.remarks.note("files are not as they are listed", message)
