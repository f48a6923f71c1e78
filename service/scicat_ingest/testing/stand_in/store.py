"""Where the documents are: one SQLite table of JSON, with a second one for what belongs to what."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from scicat_ingest.testing.stand_in.exchange import Document

SCHEMA = """
create table if not exists document (
    seq integer primary key autoincrement,
    collection text not null,
    id text not null,
    size real,
    files integer,
    body text not null,
    unique (collection, id)
);
create table if not exists link (
    collection text not null,
    id text not null,
    parent text not null,
    primary key (collection, parent, id)
) without rowid;
create table if not exists setting (name text primary key, value text not null);
"""

OLDEST_BLOCKS = """
select d.size, d.files from link l join document d on d.collection = l.collection and d.id = l.id
where l.collection = ? and l.parent = ? order by d.seq limit ?
"""
NEWEST_BLOCKS = OLDEST_BLOCKS.replace("d.seq", "d.seq desc")

DATASETS = "Dataset"
BLOCKS = "OrigDatablock"
ATTACHMENTS = "Attachment"
INSTRUMENTS = "Instrument"
PROPOSALS = "Proposal"
SAMPLES = "Sample"


class Duplicate(Exception):  # noqa: N818 - a state of the store, not a fault
    """There is a document with this id already."""


class Store:
    """Documents by collection and id, in the order in which they were made.

    Every call is a transaction of its own, as on a MongoDB without replicas; calls may come from any thread. A killed
    process loses nothing that was answered; a machine that loses power may (`synchronous=off`, for speed).
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._connection.execute("pragma journal_mode=wal")
        self._connection.execute("pragma synchronous=off")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file. Without a file, everything is gone."""
        with self._lock:
            self._connection.close()

    def secret(self) -> str:
        """Return the key that tokens are signed with: random, and kept with the data to outlive a restart."""
        self._write("insert or ignore into setting values ('secret', ?)", secrets.token_hex(32))
        return str(self._rows("select value from setting where name = 'secret'")[0][0])

    # Documents

    def insert(self, collection: str, key: str, document: Document, parents: Iterable[str] = ()) -> None:
        """Add a document. Raises Duplicate if its id is taken. Blocks must have `size` and `dataFileList`."""
        size, files = _totals(document)
        try:
            self._write(
                "insert into document (collection, id, size, files, body) values (?, ?, ?, ?, ?)",
                collection,
                key,
                size,
                files,
                json.dumps(document),
            )
        except sqlite3.IntegrityError:
            raise Duplicate(key) from None
        self._link(collection, key, parents)

    def replace(self, collection: str, key: str, document: Document, parents: Iterable[str] | None = None) -> None:
        """Overwrite a document, and with `parents` what it belongs to."""
        size, files = _totals(document)
        self._write(
            "update document set body = ?, size = ?, files = ? where collection = ? and id = ?",
            json.dumps(document),
            size,
            files,
            collection,
            key,
        )
        if parents is not None:
            self._write("delete from link where collection = ? and id = ?", collection, key)
            self._link(collection, key, parents)

    def delete(self, collection: str, key: str) -> None:
        """Remove a document. What belongs to it stays, and belongs to the next document with that id."""
        self._write("delete from document where collection = ? and id = ?", collection, key)
        self._write("delete from link where collection = ? and id = ?", collection, key)

    def get(self, collection: str, key: str) -> Document | None:
        """Return a document by its id; None if there is none."""
        return next(iter(self.some(collection, [key])), None)

    def some(self, collection: str, keys: Iterable[str]) -> list[Document]:
        """Return the documents with these ids, oldest first."""
        wanted = json.dumps(list(keys))
        query = "select body from document where collection = ? and id in (select value from json_each(?)) order by seq"
        return [json.loads(body) for (body,) in self._rows(query, collection, wanted)]

    def all(self, collection: str) -> Iterator[Document]:
        """Return every document of a collection, oldest first."""
        query = "select body from document where collection = ? order by seq"
        return (json.loads(body) for (body,) in self._rows(query, collection))

    def count(self, collection: str) -> int:
        """Return how many documents a collection has."""
        return int(self._rows("select count(*) from document where collection = ?", collection)[0][0])

    def of(self, collection: str, parents: Iterable[str]) -> list[Document]:
        """Return the documents that belong to any of `parents`, oldest first."""
        query = (
            "select body from document d where collection = ? and id in (select id from link l"
            " where l.collection = d.collection and parent in (select value from json_each(?))) order by seq"
        )
        return [json.loads(body) for (body,) in self._rows(query, collection, json.dumps(list(parents)))]

    def block_totals(self, pid: str, limit: int, *, newest: bool) -> tuple[int, int]:
        """Return size and number of files over at most `limit` blocks of a dataset."""
        rows = self._rows(NEWEST_BLOCKS if newest else OLDEST_BLOCKS, BLOCKS, pid, limit)
        return int(sum(size for size, _ in rows)), sum(files for _, files in rows)

    # What tests and demonstrations look at

    def datasets(self) -> list[Document]:
        """Return all datasets as stored: plural names, encoded metadata keys."""
        return list(self.all(DATASETS))

    def dataset(self, pid: str) -> Document | None:
        """Return a dataset as stored."""
        return self.get(DATASETS, pid)

    def origdatablocks(self, pid: str | None = None) -> list[Document]:
        """Return the blocks of a dataset, or of all."""
        return list(self.all(BLOCKS)) if pid is None else self.of(BLOCKS, [pid])

    def attachments(self, pid: str | None = None) -> list[Document]:
        """Return the attachments of a dataset, or all."""
        return list(self.all(ATTACHMENTS)) if pid is None else self.of(ATTACHMENTS, [pid])

    # SQL

    def _link(self, collection: str, key: str, parents: Iterable[str]) -> None:
        for parent in parents:
            self._write("insert or ignore into link values (?, ?, ?)", collection, key, parent)

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with self._lock, closing(self._connection.execute(query, values)) as cursor:
            return cursor.fetchall()

    def _write(self, statement: str, *values: Any) -> None:
        with self._lock:
            self._connection.execute(statement, values).close()


def _totals(document: Document) -> tuple[Any, int | None]:
    files = document.get("dataFileList")
    return (document["size"], len(files)) if isinstance(files, list) else (None, None)
