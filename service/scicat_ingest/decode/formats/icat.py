"""ICAT's dataset XML. A document type, entities and external references are refused before anything is expanded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, XMLParser

from scicat_ingest.decode.document import Document
from scicat_ingest.decode.first_fault import excerpt
from scicat_ingest.decode.formats.allowance import Allowance
from scicat_ingest.decode.formats.cloud_event import event_source
from scicat_ingest.decode.formats.signs import shows
from scicat_ingest.faults import CorruptRecord

if TYPE_CHECKING:
    from scicat_ingest.consume.record import Record
    from scicat_ingest.settings import FormatName, LimitsSettings

NAMESPACE = "http://www.esrf.fr/icat"
_TEXTS = ("investigation", "instrument", "name", "location", "startDate", "endDate", "comment")
_KNOWN = {*_TEXTS, "sample", "datafile", "parameter"}
_SHOWN_NAMES = 5
_ELEMENT_BYTES = 48
"""What an element counts for, besides being a value: it takes 400 bytes in memory, and four in the record."""


class Icat:
    """The event is the dataset; element names stay as they are."""

    name: FormatName = "icat"

    def recognises(self, record: Record) -> bool:
        """Tell whether the value begins with a tag."""
        return shows(self.name, record)

    def read(self, record: Record, limits: LimitsSettings) -> Document:
        """Read one <dataset>."""
        value = record.value or b""
        allowance = Allowance(limits)
        allowance.admit(len(value))
        root = _parse(value, allowance)
        if root.name != "dataset":
            raise CorruptRecord(f"expected <dataset> of {NAMESPACE}, got {excerpt(root.name)}")
        content = _dataset(root)
        unknown = sorted({child.name[:80] for child in root.children} - _KNOWN)
        if unknown:
            allowance.warn(f"these elements are not known and were left out: {', '.join(unknown[:_SHOWN_NAMES])}")
        return Document("icat", content, event_source(record), record.header("ce_type"), allowance.warnings)


class _Element:
    """An element: its name without the namespace (that of others is kept), attributes, text, and children."""

    __slots__ = ("attributes", "children", "name", "texts")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name.removeprefix(f"{{{NAMESPACE}}}") if name.startswith("{") else f"{{}}{name}"
        self.attributes = attributes
        self.children: list[_Element] = []
        self.texts: list[str] = []

    def all(self, name: str) -> list[_Element]:
        return [child for child in self.children if child.name == name]

    def text(self, name: str) -> str | None:
        """Give the text of the first child of this name; None where there is none, or nothing in it."""
        found = self.all(name)
        return "".join(found[0].texts).strip() or None if found else None


class _Tree:
    """What the parser builds: the names of its methods are the parser's."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._open: list[_Element] = []
        self.root: _Element | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._allowance.take(_ELEMENT_BYTES)
        self._allowance.enter(len(self._open) + 1)
        element = _Element(name, attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, _name: str) -> None:
        self._open.pop()

    def data(self, text: str) -> None:
        self._open[-1].texts.append(text)

    def close(self) -> _Element | None:
        return self.root


def _parse(value: bytes, allowance: Allowance) -> _Element:
    parser = XMLParser(target=_Tree(allowance), forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(value)
        root: _Element | None = parser.close()
    except DefusedXmlException:
        hint = "send the XML without <!DOCTYPE> and <!ENTITY>, its entities expanded"
        raise CorruptRecord("XML with a document type, entities or external references is refused", hint=hint) from None
    except (ParseError, ValueError, LookupError) as error:  # the latter two: an encoding that there is not
        raise CorruptRecord(f"expected XML: {str(error)[:100]}") from None
    if root is None:
        raise CorruptRecord("expected XML, got no element")
    return root


def _dataset(root: _Element) -> dict[str, Any]:
    complete = root.attributes.get("complete")
    samples = root.all("sample")
    return {
        **{name: root.text(name) for name in _TEXTS},
        "complete": None if complete is None else complete.strip().lower() in ("true", "1"),
        "sample": _sample(samples[0]) if samples else None,
        "datafiles": [_datafile(datafile, place) for place, datafile in enumerate(root.all("datafile"))],
        "parameters": _parameters(root),
    }


def _sample(sample: _Element) -> dict[str, Any]:
    return {"name": sample.text("name"), "type": sample.text("type"), "parameters": _parameters(sample)}


def _datafile(datafile: _Element, place: int) -> dict[str, Any]:
    size = datafile.text("size")
    if size is not None and not (size.isascii() and size.isdigit() and len(size) < 20):
        raise CorruptRecord(f"expected a number of bytes, got {excerpt(size)}", field=f"datafiles[{place}].size")
    return {
        "location": datafile.text("location"),
        "size": None if size is None else int(size),
        "parameters": _parameters(datafile),
    }


def _parameters(element: _Element) -> dict[str, Any]:
    """Give the parameters by name; one that comes several times has an array of its values."""
    values: dict[str, list[str | None]] = {}
    for parameter in element.all("parameter"):
        values.setdefault(parameter.text("name") or "", []).append(parameter.text("value"))
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}
