"""What to plot of a NeXus file: the default that its writer marked, or what was asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import h5py
import numpy as np

from scicat_ingest.storage.nexus.locating import find as find_in_file
from scicat_ingest.storage.nexus.locating import names_in, open_child
from scicat_ingest.storage.previews.request import PreviewFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scicat_ingest.storage.nexus.locating import Node
    from scicat_ingest.storage.previews.request import PlotRequest

_MOST_OBJECTS = 1000
_MOST_DEFAULTS = 10
_NO_AXIS = ("", ".")


@dataclass(frozen=True, slots=True)
class Signal:
    """A data set, and the data sets of its axes from the first dimension on; None: there is none."""

    data: h5py.Dataset
    axes: tuple[h5py.Dataset | None, ...]
    x: h5py.Dataset | None = None
    """The horizontal axis that was asked for; it wins."""


def choose_signal(file: h5py.File, plot: PlotRequest) -> Signal:
    """Find the data set and its axes.

    Without a path: `default` attributes from the root down to a NXdata group, else the first NXdata that there is.
    Raises PreviewFailed, NotThereYet.
    """
    try:
        node = _default_group(file) if plot.data is None else find_in_file(file, plot.data)
        signal = _of_group(file, node) if isinstance(node, h5py.Group) else _of_dataset(file, node)
        if plot.x is not None:
            signal = replace(signal, x=_only_dataset(find_in_file(file, plot.x)))
    except KeyError as error:
        raise PreviewFailed(str(error.args[0]) if error.args else "it is not in the file") from None
    return signal


def text_attribute(node: Node, name: str) -> str:
    """Give an attribute that is text; an empty one if there is none such."""
    value = node.attrs.get(name)
    value = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return value if isinstance(value, str) else ""


def _default_group(file: h5py.File) -> h5py.Group:
    group: h5py.Group = file
    for _ in range(_MOST_DEFAULTS):
        name = text_attribute(group, "default")
        if not name:
            break
        node = find_in_file(group, name) if "/" in name.strip("/") else open_child(file, group, name.strip("/"))
        if isinstance(node, h5py.Dataset):
            raise KeyError(f"the default of {group.name} is no group")
        group = node
    if _is(group, "NXdata"):
        return group
    entries = [group] if group.name != "/" else [file, *_groups(file, file, "NXentry")]
    for entry in entries:
        for data in _groups(file, entry, "NXdata"):
            return data
    raise KeyError("the file has no default plot: give the path of a data set, or mark a NXdata group")


def _groups(file: h5py.File, parent: h5py.Group, kind: str) -> Iterator[h5py.Group]:
    for name in names_in(parent, _MOST_OBJECTS):
        try:
            node = open_child(file, parent, name)
        except KeyError:
            continue
        if isinstance(node, h5py.Group) and _is(node, kind):
            yield node


def _is(group: h5py.Group, kind: str) -> bool:
    return text_attribute(group, "NX_class") == kind


def _of_group(file: h5py.File, group: h5py.Group) -> Signal:
    name = text_attribute(group, "signal")
    if name:
        return _with_axes(file, group, _only_dataset(open_child(file, group, name)), name)
    for name in names_in(group, _MOST_OBJECTS):  # as files before 2014 mark it
        node = open_child(file, group, name)
        if isinstance(node, h5py.Dataset) and str(node.attrs.get("signal", "")) in ("1", "b'1'"):
            return _with_axes(file, group, node, name)
    raise KeyError(f"{group.name} does not say which of its data sets is the signal")


def _of_dataset(file: h5py.File, dataset: h5py.Dataset) -> Signal:
    """Its axes are known if it is the signal of the group that holds it."""
    group = find_in_file(file, dataset.name.rpartition("/")[0] or "/") if dataset.name else file
    name = dataset.name.rpartition("/")[2] if dataset.name else ""
    if isinstance(group, h5py.Group) and name and text_attribute(group, "signal") == name:
        return _with_axes(file, group, dataset, name)
    return Signal(dataset, ())


def _with_axes(file: h5py.File, group: h5py.Group, dataset: h5py.Dataset, name: str) -> Signal:
    names = _axis_names(group, dataset)
    return Signal(dataset, tuple(_axis(file, group, each) for each in names if each != name))


def _axis_names(group: h5py.Group, dataset: h5py.Dataset) -> list[str]:
    given = group.attrs.get("axes", dataset.attrs.get("axes"))
    if isinstance(given, (str, bytes)):
        text = given.decode("utf-8", "replace") if isinstance(given, bytes) else given
        return text.strip("[]").replace(",", ":").split(":")
    if not isinstance(given, np.ndarray):
        return []
    return [each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in given.reshape(-1)[:8]]


def _axis(file: h5py.File, group: h5py.Group, name: str) -> h5py.Dataset | None:
    if name in _NO_AXIS:
        return None
    try:
        return _only_dataset(open_child(file, group, name))
    except KeyError:
        return None


def _only_dataset(node: Node) -> h5py.Dataset:
    if isinstance(node, h5py.Dataset):
        return node
    raise KeyError(f"{node.name} is a group, not a data set")
