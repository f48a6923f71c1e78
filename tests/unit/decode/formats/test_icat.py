"""ICAT's dataset XML."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.decode.formats.samples import ICAT, document, read

from scicat_ingest.faults import CorruptRecord

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


def dataset(inner: str, attributes: str = "") -> bytes:
    return f'<dataset xmlns="http://www.esrf.fr/icat"{attributes}>{inner}</dataset>'.encode()


def test_a_dataset_is_read_with_its_sample_files_and_parameters() -> None:
    """A parameter that comes several times has an array of values."""
    found = document(ICAT[0])
    assert (found.format, found.event_source, found.warnings) == ("icat", "events", ())
    assert found.content == {
        "investigation": "MX-1234",
        "instrument": "ID30A-1",
        "name": "scan 1",
        "location": "/data/visitor/mx1234/scan1",
        "startDate": "2026-04-22T08:54:53.642+02:00",
        "endDate": "2026-04-22T09:00:00+02:00",
        "comment": None,
        "complete": True,
        "sample": {"name": "Lys & co", "type": "protein", "parameters": {"pH": "7"}},
        "parameters": {"energy": "12.7", "motor": ["x", "y"]},
        "datafiles": [
            {"location": "a.h5", "size": 12, "parameters": {"frame": "1"}},
            {"location": "b.h5", "size": None, "parameters": {}},
        ],
    }


def test_a_prefix_of_the_namespace_is_the_producers_choice() -> None:
    """Names are compared with their namespace."""
    value = b'<i:dataset xmlns:i="http://www.esrf.fr/icat" xmlns:o="o"><i:name>a</i:name><o:name>b</o:name></i:dataset>'
    found = document(value)
    assert found.content["name"] == "a"
    assert found.warnings == ("these elements are not known and were left out: {o}name",)


@given(name=TEXT, value=TEXT)
def test_any_text_comes_through(name: str, value: str) -> None:
    """Escaped as XML wants it; without the space around it."""

    def escaped(text: str) -> str:
        return "".join(f"&#{ord(character)};" if character in "<>&" else character for character in text)

    allowed = [text for text in (name, value) if all(ord(c) not in (0xFFFE, 0xFFFF) for c in text)]
    for text in allowed:
        assert document(dataset(f"<name>{escaped(text)}</name>")).content["name"] == (text.strip() or None)


@pytest.mark.parametrize(
    ("attributes", "complete"),
    [("", None), (' complete="false"', False), (' complete=" TRUE "', True), (' complete="1"', True)],
)
def test_whether_it_is_complete_is_kept(attributes: str, complete: Any) -> None:
    """A mapping file may ignore those that are not."""
    assert document(dataset("", attributes)).content["complete"] is complete


def test_latin_1_is_read_where_the_declaration_says_so() -> None:
    """XML names its encoding."""
    value = b'<?xml version="1.0" encoding="iso-8859-1"?>' + dataset("<name>é</name>").decode().encode("latin-1")
    assert document(value).content["name"] == "é"


@pytest.mark.parametrize(
    "value",
    [
        b'<!DOCTYPE d SYSTEM "file:///etc/passwd"><dataset xmlns="http://www.esrf.fr/icat"/>',
        b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><dataset xmlns="http://www.esrf.fr/icat">&x;</dataset>',
        b'<!DOCTYPE d [<!ENTITY x "y">]><dataset xmlns="http://www.esrf.fr/icat">&x;</dataset>',
        b'<!DOCTYPE d [<!ENTITY % p SYSTEM "http://example.org/x">%p;]><dataset/>',
        b"<!DOCTYPE dataset><dataset/>",
    ],
)
def test_document_types_and_entities_are_refused(value: bytes) -> None:
    """No file is read and no address is asked, whatever they name."""
    with pytest.raises(CorruptRecord, match="document type, entities or external references") as caught:
        read(value)
    assert "DOCTYPE" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"<dataset>", "expected XML"),
        (b"<a/><b/>", "expected XML"),
        (b"<dataset/>", "of http://www.esrf.fr/icat"),
        (b'<investigation xmlns="http://www.esrf.fr/icat"/>', "investigation"),
        (b'<dataset xmlns="http://other"/>', "http://other"),
        (b'<?xml version="1.0" encoding="x-none"?><dataset/>', "expected XML"),
        (b'<?xml version="1.0" encoding="utf-7"?><dataset/>', "expected XML"),
        (dataset("<name>\x00</name>"), "expected XML"),
        (dataset("&unknown;"), "expected XML"),
        (b"<", "expected XML"),
    ],
)
def test_what_is_no_dataset_is_refused(value: bytes, says: str) -> None:
    """The message says what was expected."""
    with pytest.raises(CorruptRecord, match=says):
        read(value)


@pytest.mark.parametrize("size", ["-1", "1.5", "12 B", "9" * 30, "٣"])
def test_a_size_that_is_no_number_is_refused_where_it_stands(size: str) -> None:
    """A wrong size would make a wrong dataset."""
    with pytest.raises(CorruptRecord) as caught:
        read(dataset(f"<datafile/><datafile><size>{size}</size></datafile>"))
    assert caught.value.field == "datafiles[1].size"
