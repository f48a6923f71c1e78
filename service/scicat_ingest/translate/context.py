"""What the expressions of a mapping file can see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class FileValues(Protocol):
    """An open HDF5 or NeXus file, as expressions see it: `nexus['/entry/title']`.

    Values are JSON: strings, finite numbers, booleans, arrays of at most `nexus.max_values` of them; what is larger is
    summarised as {min, max, mean, shape}. Every method raises NotThereYet while the file cannot be read.
    """

    def __getitem__(self, path: str) -> Any:
        """Give the value of a data set, or of an attribute: `/entry/data@signal`. Raises KeyError."""
        ...

    def __contains__(self, path: str) -> bool:
        """Tell whether there is a group, data set or attribute of this path."""
        ...

    def get(self, path: str, default: Any = None) -> Any:
        """Give the value, or `default` where there is none."""
        ...

    def units(self, path: str) -> str | None:
        """Give the `units` attribute of a data set; None where it has none."""
        ...

    def attrs(self, path: str) -> dict[str, Any]:
        """Give all attributes of a group or data set. Raises KeyError."""
        ...

    def glob(self, pattern: str) -> dict[str, Any]:
        """Give the values of all data sets whose path matches, in the order of their paths: `/entry/user_*/name`."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """One event, and what is known of its record."""

    event: Mapping[str, Any]
    """The document's content."""
    headers: Mapping[str, str]
    """The record's headers, names in lower case; of several with one name the last."""
    record: Mapping[str, Any]
    """{topic, partition, offset, timestamp (RFC 3339 or null), key (or null), format, type (CloudEvents type)}."""
    source: Mapping[str, Any] = field(default_factory=dict)
    """{pid_prefix}: what the settings say of the record's topic."""
