"""Where the files are: one folder, and paths that cannot leave it."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scicat_ingest.faults import ForbiddenBySource, InvalidField, MissingField, PathOutsideSource
from scicat_ingest.mapping.template import fill_template

if TYPE_CHECKING:
    from scicat_ingest.decode.event import AcquisitionCompleted
    from scicat_ingest.mapping.rules import MappingRules

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ROOT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]+|[A-Za-z]:|")
"""What may stand before the first slash of an absolute path: `s3://bucket`, `C:`, or nothing."""
_SIMPLE = re.compile(r"[\w+=@ -][\w.+=@ -]*(?:/[\w+=@ -][\w.+=@ -]*)*")
"""A relative path that means the same everywhere; names that begin with a dot need a closer look."""
_DRIVE = re.compile(r"[A-Za-z]:")


def choose_source_folder(event: AcquisitionCompleted, rules: MappingRules) -> str:
    """Give the absolute source folder, without trailing slash.

    The event's own, else the common parent of its files' absolute paths. Raises MissingField where there is none,
    InvalidField, PathOutsideSource (`..`), and ForbiddenBySource if the folder is in none of the source's roots.
    """
    field, given = "source.folder", event.source.folder if event.source else None
    if event.dataset and event.dataset.get("sourceFolder") not in (None, ""):
        field, given = "dataset.sourceFolder", event.dataset["sourceFolder"]
    if given is None or given == "":
        field, folder = "files", _common_parent(event)
    elif isinstance(given, str):
        folder = _absolute_folder(given, field)
    else:
        raise InvalidField("expected an absolute path as a string", field=field)
    if rules.source.roots and not any(is_inside(folder, root) for root in roots_of(event, rules)):
        allowed = ", ".join(rules.source.roots)
        raise ForbiddenBySource(f"{folder!r} is in none of the folders of this source ({allowed})", field=field)
    return folder


def is_simple(path: str) -> bool:
    """Tell of most paths of files that they are what `relative_path` would give."""
    return _SIMPLE.fullmatch(path) is not None


def relative_path(path: str, folder: str, field: str) -> str:
    """Give a file's path relative to `folder`, with `/` between its parts and neither `.` nor `..` in it.

    Raises PathOutsideSource for a path that leaves the folder, InvalidField for one that names no file.
    """
    if is_simple(path):
        return path
    if _DRIVE.match(folder) and not is_absolute(path):
        path = path.replace("\\", "/")
    parts = _parts(path, field)
    if not parts or path.endswith("/"):
        raise InvalidField(f"expected the path of a file, got {path!r}", field=field)
    if is_absolute(path):
        inside = _absolute_folder(path, field)
        if not inside.startswith(f"{folder}/"):
            raise PathOutsideSource(f"{path!r} is not in the source folder {folder!r}", field=field)
        return inside[len(folder) + 1 :]
    if path.startswith("\\") or (_DRIVE.match(folder) and _DRIVE.match(path)):
        raise PathOutsideSource(f"{path!r} leaves the source folder on Windows", field=field)
    return "/".join(parts)


def is_absolute(path: str) -> bool:
    """Tell whether a path names its place by itself: `/data/x`, `C:/data/x`, `s3://bucket/x`."""
    slashed = _slashed(path)
    root = _ROOT.match(slashed)
    return root is not None and slashed[root.end() : root.end() + 1] == "/"


def _slashed(path: str) -> str:
    return path.replace("\\", "/") if re.match(r"[A-Za-z]:\\", path) else path


def _parts(path: str, field: str) -> list[str]:
    if _CONTROL.search(path):
        raise InvalidField("expected a path without control characters", field=field)
    if ".." in re.split(r"[/\\]", path):
        raise PathOutsideSource(f"expected a path without `..`, got {path!r}", field=field)
    return [part for part in path.split("/") if part not in ("", ".")]


def _absolute_folder(path: str, field: str) -> str:
    if path.startswith("/") and is_simple(path[1:]):
        return path
    slashed = _slashed(path)
    _parts(path, field)
    root = _ROOT.match(slashed)
    if not is_absolute(path) or root is None:
        raise InvalidField(f"expected an absolute path, got {path!r}", field=field)
    parts = _parts(slashed[root.end() :], field)
    if not parts and not root[0]:
        raise InvalidField("expected a folder below the root", field=field)
    return "/".join([root[0], *parts])


def _common_parent(event: AcquisitionCompleted) -> str:
    paths = [file.path for file in event.files or ()]
    if not paths or not all(path.startswith("/") for path in paths):
        raise MissingField(
            "is needed: the files' paths are not absolute" if paths else "is needed, also for a dataset without files",
            field="source.folder",
        )
    parents = {posixpath.dirname(_absolute_folder(path, f"files[{index}].path")) for index, path in enumerate(paths)}
    parent = posixpath.commonpath(parents)
    if parent == "/":
        raise MissingField("is needed: the files have no common parent below the root", field="source.folder")
    return parent


def roots_of(event: AcquisitionCompleted, rules: MappingRules) -> tuple[str, ...]:
    """Give the folders that this event's files may be in: the source's roots, those that it has the names for."""
    filled = (fill_template(root, event, may_fill=_is_one_name) for root in rules.source.roots)
    return tuple(root.rstrip("/") for root in filled if root is not None)


def is_inside(path: str, root: str) -> bool:
    """Tell whether a path is a root, or below it."""
    return path == root or path.startswith(f"{root}/")


def _is_one_name(value: str) -> bool:
    return value not in (".", "..") and not re.search(r"[/\\\x00-\x1f]", value)
