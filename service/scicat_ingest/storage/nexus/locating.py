"""Ways through an HDF5 file that never lead out of it.

libhdf5 follows external links, and opens the files of virtual data sets and of external storage, as soon as it is asked
for an object's values, some even when it is asked for its shape. So each step is looked at before it is made.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import h5py
from h5py import h5d

from scicat_ingest.faults import NotThereYet

if TYPE_CHECKING:
    from collections.abc import Iterable

H5PY_ERRORS = (OSError, RuntimeError, ValueError, TypeError, AttributeError, ArithmeticError)
"""What h5py raises for a damaged file, besides KeyError: fuzzing found each of them."""

Node: TypeAlias = h5py.Group | h5py.Dataset

_MOST_STEPS = 1000
_MOST_SOURCES = 10_000
_MOST_NAMES = 20
_LONGEST_NAME = 60


def find(root: h5py.Group, path: str) -> Node:
    """Give the group or data set of this path, through hard and soft links.

    Raises KeyError, whose text says how far the path leads and what there is instead, and NotThereYet for damage.
    """
    return _walk(root, root, _steps_of(path), path)


def open_child(root: h5py.Group, parent: h5py.Group, name: str) -> Node:
    """Give what a group holds under this name. Raises as `find`."""
    return _walk(root, parent, [name], f"{parent.name or ''}/{name}")


def names_in(group: h5py.Group, most: int) -> list[str]:
    """Give the names in a group, sorted. Raises KeyError if there are more than `most`, NotThereYet for damage."""
    try:
        count = len(group)
        names = list(group) if count <= most else []
    except (*H5PY_ERRORS, KeyError) as error:
        raise NotThereYet(f"{group.name} cannot be read: {error}") from None
    if count > most:
        raise KeyError(f"{group.name} holds {count} objects, more than nexus.max_objects ({most})")
    return sorted(names)


def refuse_elsewhere(root: h5py.Group, dataset: h5py.Dataset) -> None:
    """Raise KeyError if the values of a data set are, or may be, in other files."""
    layout = dataset.id.get_create_plist()
    if layout.get_layout() == h5d.VIRTUAL:
        _refuse_virtual(root, dataset, layout)
    elif _is_external(layout):
        raise KeyError(f"{dataset.name} keeps its values in other files, which are not read")


def _refuse_virtual(root: h5py.Group, dataset: h5py.Dataset, layout: h5py.h5p.PropDCID) -> None:
    """Let pass a virtual data set whose parts are all plain data sets of this file."""
    count = layout.get_virtual_count()
    if count > _MOST_SOURCES:
        raise KeyError(f"{dataset.name} is made of {count} others, too many to be read")
    parts = {(layout.get_virtual_filename(each), layout.get_virtual_dsetname(each)) for each in range(count)}
    for file, name in parts:
        if file != "." or "%" in name:
            raise KeyError(f"{dataset.name} is made of data sets in other files, which are not read")
        part = find(root, name)
        properties = part.id.get_create_plist() if isinstance(part, h5py.Dataset) else None
        if properties is None or properties.get_layout() == h5d.VIRTUAL or _is_external(properties):
            raise KeyError(f"{dataset.name} is made of {_short(name)}, which is no plain data set")


def _is_external(layout: h5py.h5p.PropDCID) -> bool:
    return bool(layout.get_external_count())


def _walk(root: h5py.Group, here: Node, steps: list[str], path: str) -> Node:
    left = steps[::-1]
    made = 0
    while left:
        name = left.pop()
        made += 1
        if not isinstance(here, h5py.Group):
            raise KeyError(f"{_short(path)} is not in the file: {here.name} is a data set")
        match _link(here, name):
            case None:
                raise KeyError(f"{_short(path)} is not in the file: {here.name} holds {_holds(here)}")
            case h5py.SoftLink(path=target):
                if target.startswith("/"):
                    here = root
                left += _steps_of(target)[::-1]
            case h5py.HardLink():
                here = _open(here, name)
            case _:
                raise KeyError(
                    f"{_short(path)} is not in the file: {_short(name)} is a link to another file, never followed"
                )
        if made + len(left) > _MOST_STEPS:
            raise KeyError(f"{_short(path)} cannot be reached in {_MOST_STEPS} steps: its links lead in a circle")
    return here


def _link(group: h5py.Group, name: str) -> object:
    if "\0" in name:
        return None
    try:
        return group.get(name, getlink=True)
    except TypeError:  # a link of a kind that libraries define themselves
        return NotImplemented
    except UnicodeEncodeError:
        return None
    except H5PY_ERRORS as error:
        raise NotThereYet(f"{group.name} cannot be read: {error}") from None


def _open(group: h5py.Group, name: str) -> Node:
    try:
        found = group[name]
    except (*H5PY_ERRORS, KeyError) as error:
        raise NotThereYet(f"{_short(name)} in {group.name} cannot be read: {error}") from None
    if isinstance(found, (h5py.Group, h5py.Dataset)):
        return found
    raise KeyError(f"{_short(name)} in {group.name} is a type, and has no value")


def _steps_of(path: str) -> list[str]:
    return [step for step in path.split("/") if step not in ("", ".")]


def _holds(group: h5py.Group) -> str:
    try:
        names: Iterable[str] = group
        shown = [_short(name) for name in islice(names, _MOST_NAMES + 1)]
    except H5PY_ERRORS:
        return "what cannot be read"
    more = f" and {len(group) - _MOST_NAMES} more" if len(shown) > _MOST_NAMES else ""
    return ", ".join(shown[:_MOST_NAMES]) + more if shown else "nothing"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
