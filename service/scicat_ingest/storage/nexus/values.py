"""The values of an open HDF5 file, as expressions see them."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from scicat_ingest.faults import NotThereYet
from scicat_ingest.storage.nexus.conversion import Conversion
from scicat_ingest.storage.nexus.globbing import matches
from scicat_ingest.storage.nexus.locating import H5PY_ERRORS, Node, find, refuse_elsewhere
from scicat_ingest.storage.nexus.summary import can_be_read, is_number, summarise, summarise_blocks, type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h5py import h5a

    from scicat_ingest.settings import NexusSettings

_MOST_BYTES = 8 * 1024 * 1024
"""Of a value that is given whole, as it is stored."""


class HdfValues:
    """`FileValues` of translate/context.py. Nothing outside the file is ever opened."""

    def __init__(self, file: h5py.File, path: str, settings: NexusSettings) -> None:
        self._file = file
        self._path = path
        self._settings = settings

    def __getitem__(self, path: str) -> Any:
        """Give the value of a data set or attribute. Raises KeyError that says what is there instead, NotThereYet."""
        with self._reading(path):
            node_path, at, name = path.rpartition("@")
            return self._attribute(find(self._file, node_path), name) if at else self._value(find(self._file, path))

    def __contains__(self, path: str) -> bool:
        """Tell whether there is a group, data set or attribute of this path."""
        with self._reading(path):
            node_path, at, name = path.rpartition("@")
            try:
                node = find(self._file, node_path if at else path)
            except KeyError:
                return False
            return not at or name in node.attrs

    def get(self, path: str, default: Any = None) -> Any:
        """Give the value, or `default` where there is none."""
        try:
            return self[path]
        except KeyError:
            return default

    def units(self, path: str) -> str | None:
        """Give the `units` attribute of a data set; None where it has none, or is missing."""
        units = self.get(f"{path}@units")
        return units if isinstance(units, str) and units else None

    def attrs(self, path: str) -> dict[str, Any]:
        """Give all attributes that have a value. Raises KeyError."""
        with self._reading(path):
            node = find(self._file, path)
            if len(node.attrs) > self._settings.max_objects:
                raise KeyError(f"{path} has {len(node.attrs)} attributes, more than nexus.max_objects")
            found = {}
            for name in node.attrs:
                try:
                    found[name] = self._attribute(node, name)
                except KeyError:
                    continue
            return found

    def glob(self, pattern: str) -> dict[str, Any]:
        """Give the values of all data sets whose path matches. Raises KeyError for a pattern that takes too long."""
        with self._reading(pattern):
            found = {}
            for path, dataset in matches(self._file, pattern, self._settings.max_objects):
                try:
                    found[path] = self._value(dataset)
                except KeyError:
                    continue
            return dict(sorted(found.items()))

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        """Say what h5py's many errors mean: the file is damaged, or not complete."""
        try:
            yield
        except H5PY_ERRORS as error:
            raise NotThereYet(f"{path[:200]} of {self._path!r} cannot be read: {error}") from None

    def _value(self, node: Node) -> Any:
        if isinstance(node, h5py.Group):
            raise KeyError(f"{node.name} is a group, and has no value")
        with _named(node.name):
            return self._value_of(node)

    def _value_of(self, dataset: h5py.Dataset) -> Any:
        refuse_elsewhere(self._file, dataset)
        dtype = dataset.dtype
        if dataset.shape is None or dataset.size == 0:
            raise KeyError("it is empty")
        if dataset.size > self._settings.max_values:
            return summarise(dataset, self._settings.max_summary_bytes)
        if dataset.size * dtype.itemsize > _MOST_BYTES or not can_be_read(dataset):
            raise KeyError("it is too large, or compressed with a filter that is not installed")
        return Conversion(self._settings.max_text).give(dataset[()], dtype)

    def _attribute(self, node: Node, name: str) -> Any:
        if name not in node.attrs:
            names = ", ".join(sorted(node.attrs)[:20]) if len(node.attrs) <= self._settings.max_objects else "very many"
            raise KeyError(f"{node.name} has no attribute {name[:60]!r}; it has {names or 'none'}")
        with _named(f"{node.name}@{name}"):
            return self._attribute_value(node.attrs, node.attrs.get_id(name), name)

    def _attribute_value(self, attributes: h5py.AttributeManager, attribute: h5a.AttrID, name: str) -> Any:
        dtype = attribute.dtype
        if math.prod(attribute.shape or ()) * dtype.itemsize > _MOST_BYTES:
            raise KeyError("it is too large")
        value = attributes[name]
        if not isinstance(value, np.ndarray) or value.size <= self._settings.max_values:
            return Conversion(self._settings.max_text).give(value, dtype)
        if is_number(dtype):
            return summarise_blocks(iter([value])) | {"shape": list(value.shape)}
        return {"shape": list(value.shape), "dtype": type_name(dtype)}


@contextmanager
def _named(name: str | None) -> Iterator[None]:
    """Put the name of an object before the reason why it has no value."""
    try:
        yield
    except KeyError as error:
        reason = str(error.args[0]) if error.args else "it has no value"
        raise KeyError(reason if name is None or reason.startswith(name) else f"{name}: {reason}") from None
    except TypeError as error:  # what h5py cannot convert
        raise KeyError(f"{name}: its type cannot be read: {error}") from None
