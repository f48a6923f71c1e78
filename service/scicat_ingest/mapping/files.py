"""The dataset's files, in blocks that SciCat can take."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from scicat_ingest.catalogue.document import MAX_SAFE_INTEGER
from scicat_ingest.catalogue.file_list import FewFiles
from scicat_ingest.catalogue.origdatablock import DataFile, OrigDatablock
from scicat_ingest.decode.field_path import shown_name
from scicat_ingest.decode.first_fault import first_fault
from scicat_ingest.faults import DuplicatePath, ForbiddenBySource, InvalidField, UnknownField
from scicat_ingest.mapping.source_folder import is_simple, relative_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from scicat_ingest.catalogue.file_list import FileList
    from scicat_ingest.decode.event import AcquisitionCompleted
    from scicat_ingest.mapping.dataset import Inherited
    from scicat_ingest.mapping.rules import MappingRules

_BODY_SHARE = 0.9
"""How much of the server's body limit the files of a block may take; the rest is for its other fields."""
_PLAIN = re.compile(r"[ !#-\[\]-~]*")
"""Text that JSON takes as it is."""
_texts_of = attrgetter("path", "chk", "uid", "gid", "perm", "type")
_FILE_OVERHEAD = 200
"""Bytes of JSON around the texts of one file, at most."""


def list_inline_files(event: AcquisitionCompleted, folder: str, default_time: datetime) -> FewFiles:
    """Give the event's own files with paths relative to `folder`; a file without its own time has `default_time`.

    Raises PathOutsideSource, DuplicatePath, InvalidField.
    """
    given = event.files or ()
    paths = [file.path for file in given]
    if not all(map(is_simple, paths)):
        paths = [relative_path(path, folder, f"files[{index}].path") for index, path in enumerate(paths)]
    if len(set(paths)) < len(paths):
        _refuse_duplicate(paths)
    files = [
        DataFile(
            path,
            file.size,
            file.modifiedAt or default_time,
            file.checksum or None,
            file.uid,
            file.gid,
            file.perm,
            file.type,
        )
        for path, file in zip(paths, given, strict=True)
    ]
    if sum(file.size for file in files) > MAX_SAFE_INTEGER:
        raise InvalidField(f"expected at most {MAX_SAFE_INTEGER} bytes in all", field="files")
    return FewFiles(tuple(files))


def _refuse_duplicate(paths: list[str]) -> None:
    first: dict[str, int] = {}
    for index, path in enumerate(paths):
        if path in first:
            message = f"{path!r} is also the path of files[{first[path]}]"
            raise DuplicatePath(message, field=f"files[{index}].path")
        first[path] = index


def build_origdatablocks(
    files: FileList, event: AcquisitionCompleted, inherited: Inherited, rules: MappingRules
) -> Collection[OrigDatablock]:
    """Give the blocks, in order; each has at least one file. Raises InvalidField, UnknownField or ForbiddenBySource."""
    shared = _shared_fields(event, inherited, rules)
    if files.checksum_algorithm is not None:
        shared["chkAlg"] = files.checksum_algorithm
    blocks = BlocksOfFiles(files, shared, rules)
    if isinstance(files, FewFiles):
        return tuple(iter(blocks))  # without asking for their number first, which would split the files twice
    next(iter(blocks), None)  # the other blocks' fields are the same
    return blocks


class BlocksOfFiles(Collection[OrigDatablock]):
    """A file list in blocks, which are made when they are asked for."""

    def __init__(self, files: FileList, shared: Mapping[str, Any], rules: MappingRules) -> None:
        self._files = files
        self._shared = shared
        self._rules = rules
        self._count: int | None = None

    def __iter__(self) -> Iterator[OrigDatablock]:
        """Make them. Raises InvalidField or UnknownField for a field that all blocks share."""
        for part in split_files(self._files, self._rules):
            yield self._block(part)

    def __len__(self) -> int:
        """Count them."""
        if self._count is None:
            self._count = sum(1 for _ in split_files(self._files, self._rules))
        return self._count

    def __contains__(self, block: object) -> bool:
        """Look for one."""
        return any(block == each for each in self)

    def _block(self, part: tuple[DataFile, ...]) -> OrigDatablock:
        fields = {**self._shared, "size": sum(file.size for file in part), "dataFileList": list(part)}
        try:
            return OrigDatablock.model_validate(fields)
        except ValidationError as error:
            raise first_fault(error.errors(include_url=False), fields, prefix="origdatablock.") from None


def split_files(files: Iterable[DataFile], rules: MappingRules) -> Iterator[tuple[DataFile, ...]]:
    """Split in order, by number of files, by their bytes, and by the size of the request body.

    A file that is larger than a whole block's bytes stands alone.
    """
    body_limit = rules.max_body_bytes * _BODY_SHARE
    if isinstance(files, FewFiles) and _are_one_block(files, rules, body_limit):
        yield files.files
        return
    part: list[DataFile] = []
    part_bytes = part_body = 0
    for file in files:
        body = _body_bytes((file,))
        full = (
            len(part) >= rules.limits.max_block_files
            or part_bytes + file.size > rules.limits.max_block_bytes
            or part_body + body > body_limit
        )
        if part and full:
            yield tuple(part)
            part, part_bytes, part_body = [], 0, 0
        part.append(file)
        part_bytes += file.size
        part_body += body
    if part:
        yield tuple(part)


def _are_one_block(files: FewFiles, rules: MappingRules, body_limit: float) -> bool:
    """Tell it of most lists, without going through their files one by one."""
    few = 0 < files.count <= rules.limits.max_block_files and files.size <= rules.limits.max_block_bytes
    return few and _body_bytes(files.files) <= body_limit


def _body_bytes(files: tuple[DataFile, ...]) -> int:
    """Bound the files' JSON from above."""
    texts = [text for file in files for text in _texts_of(file) if text]
    return _FILE_OVERHEAD * len(files) + _text_bytes("".join(texts))


def _text_bytes(text: str) -> int:
    """Give what a text takes in JSON: a backslash or quote takes two bytes, a control character six."""
    if _PLAIN.fullmatch(text):
        return len(text)
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def _shared_fields(event: AcquisitionCompleted, inherited: Inherited, rules: MappingRules) -> dict[str, Any]:
    given = {name: value for name, value in (event.origdatablock or {}).items() if value is not None}
    for name in given:
        if name not in OrigDatablock.model_fields:  # also where there is no block that could be refused
            raise UnknownField("SciCat has no such field", field=f"origdatablock.{shown_name(name)}")
        if name in ("datasetId", "size", "dataFileList"):
            hint = "the pid is set by `pid`, the files by `files`"
            raise InvalidField("is made from the event and cannot be given", field=f"origdatablock.{name}", hint=hint)
    shared = {
        "datasetId": inherited.pid,
        "ownerGroup": inherited.owner_group,
        "accessGroups": inherited.access_groups,
        "instrumentGroup": inherited.instrument_group,
        "isPublished": inherited.is_published,
        "chkAlg": event.checksumAlgorithm,
    }
    for name in ("ownerGroup", "accessGroups", "instrumentGroup", "isPublished"):
        if given.get(name, shared[name]) != shared[name] and name not in rules.source.may_set:
            message = f"this source may not set {name} to other than its dataset's"
            raise ForbiddenBySource(message, field=f"origdatablock.{name}")
    return shared | given
