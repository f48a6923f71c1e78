"""Values of HDF5 files are JSON, and what is not there says what is there instead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from tests.unit.storage.nexus.hdf5_files import values_of, write, write_example

if TYPE_CHECKING:
    from pathlib import Path

COMPOUND = np.array([(1, 2.5, b"x")], dtype=[("a", "i4"), ("b", "f8"), ("c", "S3")])
SHUTTER = h5py.enum_dtype({"SHUT": 0, "OPEN": 1})


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("Fe₃O₄", "Fe₃O₄"),
        (np.bytes_(b"fixed"), "fixed"),
        (np.array([b"one"]), "one"),
        (np.array([["one"]], dtype=object), "one"),
        (["a", "b"], ["a", "b"]),
        (np.bytes_("5 Å".encode("latin-1")), "5 Å"),
        ("", ""),
        (np.int64(2**62), 2**62),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.float32(0.5), 0.5),
        (np.array([5.25]), 5.25),
        (np.array([[[7]]]), 7),
        (np.arange(6).reshape(2, 3), [[0, 1, 2], [3, 4, 5]]),
        (np.float64("nan"), None),
        (np.array([1.0, np.inf]), [1.0, None]),
        (np.longdouble(1.5), 1.5),
        (True, True),
        (1 + 2j, {"real": 1.0, "imaginary": 2.0}),
        (COMPOUND, {"a": 1, "b": 2.5, "c": "x"}),
    ],
)
def test_a_value_is_what_python_would_call_it(tmp_path: Path, written: Any, value: Any) -> None:
    """Texts, numbers and arrays come out as JSON knows them; an array of one element is that element."""
    with values_of(write(tmp_path / "a.h5", x=written)) as values:
        got = values["/x"]
    assert (got, type(got)) == (value, type(value))
    json.dumps(got, allow_nan=False)


def test_enumerations_are_their_names(tmp_path: Path) -> None:
    """A number without a name stays a number."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("one", data=1, dtype=SHUTTER)
        file.create_dataset("some", data=[0, 1, 7], dtype=SHUTTER)
    with values_of(path) as values:
        assert (values["/one"], values["/some"]) == ("OPEN", ["SHUT", "OPEN", 7])


def test_ragged_arrays_stay_ragged(tmp_path: Path) -> None:
    """Each row is a list, however short."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        rows = file.create_dataset("x", (3,), h5py.vlen_dtype("i4"))
        rows[0], rows[1] = np.array([1, 2], "i4"), np.array([3], "i4")
    with values_of(path) as values:
        assert values["/x"] == [[1, 2], [3], []]


def test_what_has_no_value_counts_as_missing(tmp_path: Path) -> None:
    """Nothing, references, opaque bytes and types: the reason is told, and a default may stand."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["nothing"], file["none"] = h5py.Empty("f8"), np.zeros((0, 3))
        file["reference"], file["opaque"], file["type"] = file["none"].ref, np.void(b"abc"), np.dtype("i4")
    with values_of(path) as values:
        for name, reason in (
            ("nothing", "empty"),
            ("none", "empty"),
            ("reference", "a reference"),
            ("opaque", "no value in JSON"),
            ("type", "is a type"),
        ):
            with pytest.raises(KeyError, match=reason):
                values[f"/{name}"]
            assert values.get(f"/{name}", "default") == "default"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/entry/titel", "/entry/titel is not in the file: /entry holds image, sample, title, user_1, user_2"),
        ("/nope/x", "/nope/x is not in the file: / holds entry"),
        ("/entry/title/x", "/entry/title/x is not in the file: /entry/title is a data set"),
        ("/entry", "/entry is a group, and has no value"),
        ("/entry@nope", "/entry has no attribute 'nope'; it has NX_class"),
        ("/entry/../x", "/entry/../x is not in the file: /entry holds image, sample, title, user_1, user_2"),
        ("/entry/\0", "/entry/\0 is not in the file: /entry holds image, sample, title, user_1, user_2"),
    ],
)
def test_what_is_missing_says_what_there_is(tmp_path: Path, path: str, said: str) -> None:
    """The nearest parent that exists is named, with what it holds."""
    with values_of(write_example(tmp_path / "a.nxs")) as values:
        with pytest.raises(KeyError) as caught:
            values[path]
        assert caught.value.args == (said,)
        assert values.get(path) is None


def test_attributes_units_and_patterns(tmp_path: Path) -> None:
    """Everything that docs/nexus.md promises of an ordinary file."""
    with values_of(write_example(tmp_path / "a.nxs")) as values:
        assert values["/entry@NX_class"] == values["entry@NX_class"] == "NXentry"
        assert values.attrs("/entry") == {"NX_class": "NXentry"}
        assert (values.units("/entry/sample/temperature"), values.units("/entry/title")) == ("K", None)
        assert values.units("/entry/nope") is None
        assert values.glob("/entry/user_*/name") == {"/entry/user_1/name": "Ada", "/entry/user_2/name": "Grace"}
        assert list(values.glob("/**/name")) == ["/entry/user_1/name", "/entry/user_2/name"]
        assert len(values.glob("/**")) == 5
        assert values.glob("/entry/title/**") == values.glob("/nope/*") == {}
        assert [each in values for each in ("/entry", "/entry/title", "/entry@NX_class", "/entry@x", "/x", "/x@y")] == [
            True,
            True,
            True,
            False,
            False,
            False,
        ]
        with pytest.raises(KeyError, match="holds entry"):
            values.attrs("/nope")


def test_long_texts_and_large_values_count_as_missing(tmp_path: Path) -> None:
    """What would not fit into a catalogue entry is not carried there."""
    path = write(tmp_path / "a.h5", long="x" * 1001, fits="x" * 1000, many=["y" * 999] * 11)
    with values_of(path, max_text=1000) as values:
        assert values["/fits"] == "x" * 1000
        for name in ("/long", "/many"):
            with pytest.raises(KeyError, match=f"{name}: it is"):
                values[name]
