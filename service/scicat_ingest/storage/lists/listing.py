"""The file list of one event: given by itself, by a manifest, or found by a scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.catalogue.file_list import FewFiles
from scicat_ingest.faults import TooManyFiles
from scicat_ingest.mapping.files import list_inline_files
from scicat_ingest.storage.lists.checksums import MADE, canonical, choose_algorithm
from scicat_ingest.storage.lists.compared import Compared
from scicat_ingest.storage.lists.listed import Listed
from scicat_ingest.storage.lists.manifest import read_manifest
from scicat_ingest.storage.lists.scan import FolderScan
from scicat_ingest.storage.lists.sidecars import Sidecars
from scicat_ingest.storage.lists.spool import FEW, Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from scicat_ingest.catalogue.file_list import FileList
    from scicat_ingest.decode.event import AcquisitionCompleted, Scan
    from scicat_ingest.storage.lists.listed import Listing

_CHECK_EVERY = 1000


def list_files(event: AcquisitionCompleted, listing: Listing, default_time: datetime) -> FileList:
    """Give all files of an event; those without a time of their own have `default_time`.

    Takes as long as there are files, at flat memory. Raises InvalidManifest, InvalidField, PathOutsideSource,
    DuplicatePath, TooManyFiles, ChecksumMismatch, ForbiddenBySource, FileUnreadable, ExtraMissing, NoSpace, and
    NotThereYet for what may be there later.
    """
    if event.scan is not None:
        return _scanned(event.scan, listing, default_time)
    given = _named_algorithm(event)
    made = _made_by_default(listing)
    if made is not None and given is not None:
        made = _same_again(given, listing)
    files = read_manifest(event.fileManifest, listing) if event.fileManifest else _inline(event, listing, default_time)
    compared = Compared(files, listing, given=lambda: given, made=made)
    return _spooled(compared, listing, default_time, lambda: given or made)


def _scanned(scan: Scan, listing: Listing, default_time: datetime) -> FileList:
    made = _made_by_default(listing)
    if scan.checksums is not None:
        made = choose_algorithm(scan.checksums, "scan.checksums")
    sidecars = Sidecars(listing, made)
    found = FolderScan(scan, listing, sidecars)
    compared = Compared(found, listing, given=lambda: sidecars.algorithm, made=made, found_now=True)
    return _spooled(compared, listing, default_time, lambda: sidecars.algorithm)


def _made_by_default(listing: Listing) -> str | None:
    return None if listing.settings.checksums == "off" else listing.settings.checksums


def _inline(event: AcquisitionCompleted, listing: Listing, default_time: datetime) -> Iterator[Listed]:
    files = list_inline_files(event, listing.folder, default_time)
    for given, file in zip(event.files or (), files, strict=True):
        yield Listed(file.path, file.size, given.modifiedAt, file.chk, file.uid, file.gid, file.perm, file.type)


def _named_algorithm(event: AcquisitionCompleted) -> str | None:
    verbatim = (event.origdatablock or {}).get("chkAlg")
    return verbatim if isinstance(verbatim, str) and verbatim else event.checksumAlgorithm


def _same_again(given: str, listing: Listing) -> str | None:
    """Give the algorithm that the list names, for files without a checksum, if it is made here."""
    if canonical(given) in MADE:
        return given
    listing.remarks.note("files without a checksum got none, because the list's algorithm is not made here", given)
    return None


def _spooled(
    files: Iterable[Listed], listing: Listing, default_time: datetime, algorithm: Callable[[], str | None]
) -> FileList:
    spool = Spool(_bounded(files, listing), default_time=default_time)
    warnings = listing.remarks.warnings()
    if spool.count <= FEW:
        return FewFiles(tuple(spool), algorithm(), warnings)
    spool.checksum_algorithm, spool.warnings = algorithm(), warnings
    return spool


def _bounded(files: Iterable[Listed], listing: Listing) -> Iterator[Listed]:
    most = listing.settings.max_files
    for number, file in enumerate(files):
        if number >= most:
            hint = "raise files.max_files, or split the dataset"
            raise TooManyFiles(f"expected at most {most} files", field="files", hint=hint)
        if number % _CHECK_EVERY == 0:
            listing.check_cancelled()
        yield file
