"""A file list that is kept in a file of its own: JSON lines or CSV, perhaps gzip, here or behind https."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from scicat_ingest.faults import ForbiddenBySource, InvalidField, InvalidManifest, NotThereYet
from scicat_ingest.mapping.source_folder import relative_path
from scicat_ingest.storage.lists.lines import Hashed, expand, split_lines
from scicat_ingest.storage.lists.listed import FUTURE_SECONDS
from scicat_ingest.storage.lists.rows import CsvRows, JsonRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scicat_ingest.decode.event import FileManifest
    from scicat_ingest.storage.lists.listed import Listed, Listing

_FIELD = "fileManifest"
_URI = f"{_FIELD}.uri"
_CHUNK = 1 << 20
_FORMATS: dict[str, type[JsonRows | CsvRows]] = {"jsonl": JsonRows, "ndjson": JsonRows, "csv": CsvRows}


def read_manifest(manifest: FileManifest, listing: Listing) -> Iterator[Listed]:
    """Give the files of a manifest, in its order; its checksum and count are compared at the end.

    Raises InvalidManifest, InvalidField, PathOutsideSource, ForbiddenBySource, NotThereYet; they name the line.
    """
    most = listing.settings.max_manifest_bytes
    rows_of = _FORMATS[_format(manifest)]
    with _open(manifest.uri, listing) as chunks:
        stored = Hashed(chunks, most, _FIELD)
        plain: Iterable[bytes] = stored
        if _path_of(manifest.uri).endswith(".gz"):
            plain = expand(stored, most, _FIELD)
        count = 0
        for file in rows_of(split_lines(plain, _FIELD), listing, _FIELD):
            count += 1
            yield file
    if manifest.sha256 is not None and stored.digest != manifest.sha256.lower():
        message = f"its SHA-256 is {stored.digest}, the event says {manifest.sha256[:80]}"
        raise InvalidManifest(message, field=f"{_FIELD}.sha256")
    if manifest.count is not None and count != manifest.count:
        message = f"it lists {count} files, the event says {manifest.count}"
        raise InvalidManifest(message, field=f"{_FIELD}.count")
    if not count:
        hint = "an acquisition without files says noFiles: true"
        raise InvalidManifest("it lists no file", field=_URI, hint=hint)


def _format(manifest: FileManifest) -> str:
    name = _path_of(manifest.uri).removesuffix(".gz").rpartition(".")[2]
    chosen = (manifest.format or name).lower()
    if chosen not in _FORMATS:
        hint = "give fileManifest.format, or a name that ends in .jsonl, .csv, .jsonl.gz or .csv.gz"
        raise InvalidField(f"expected jsonl or csv, got {chosen[:80]!r}", field=f"{_FIELD}.format", hint=hint)
    return chosen


def _path_of(uri: str) -> str:
    return _address(uri).path if "://" in uri else uri


def _address(uri: str) -> SplitResult:
    try:
        address = urlsplit(uri)
        _ = address.port
    except ValueError:
        raise InvalidField(f"expected an address, got {uri[:200]!r}", field=_URI) from None
    return address


@contextmanager
def _open(uri: str, listing: Listing) -> Iterator[Iterator[bytes]]:
    scheme = uri.partition("://")[0].lower() if "://" in uri else ""
    if scheme == "https":
        _require_allowed(uri, listing)
        with listing.fetch(uri) as chunks:
            yield chunks
        return
    descriptor = listing.roots.open_file(_local_path(uri, scheme, listing), _URI)
    try:
        _require_stable(descriptor, uri, listing)
        yield _read(descriptor, uri)
    finally:
        os.close(descriptor)


def _require_allowed(uri: str, listing: Listing) -> None:
    address = _address(uri)
    if address.username is not None:
        raise InvalidField("expected an address without user and password", field=_URI)
    named = address.hostname or ""
    if address.port is not None:
        named = f"{named}:{address.port}"
    if named not in listing.settings.manifest_hosts:
        hint = "files.manifest_hosts in the settings lists those that may be asked"
        raise ForbiddenBySource(f"no manifest may be fetched from {named[:200]!r}", field=_URI, hint=hint)


def _local_path(uri: str, scheme: str, listing: Listing) -> str:
    if scheme == "file":
        address = _address(uri)
        if address.netloc not in ("", "localhost"):
            raise InvalidField(f"expected file:///path, got a host: {address.netloc[:80]!r}", field=_URI)
        return unquote(address.path)
    if scheme:
        raise InvalidField(f"expected a path, file:// or https://, got {scheme[:80]}://", field=_URI)
    if uri.startswith("/"):
        return uri
    return listing.absolute(relative_path(uri, listing.folder, _URI))


def _require_stable(descriptor: int, uri: str, listing: Listing) -> None:
    age = listing.now() - os.fstat(descriptor).st_mtime
    if -FUTURE_SECONDS < age < listing.settings.stable_seconds:
        raise NotThereYet(f"{uri!r} changed {max(age, 0):.0f} s ago and may still be being written", field=_URI)


def _read(descriptor: int, uri: str) -> Iterator[bytes]:
    try:
        while chunk := os.read(descriptor, _CHUNK):
            yield chunk
    except OSError as error:
        raise NotThereYet(f"{uri!r} cannot be read: {error.strerror}", field=_URI) from None
