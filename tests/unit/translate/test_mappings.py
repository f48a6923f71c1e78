"""All mapping files of a service: found, compiled, and tried in order."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.unit.translate.mapping_texts import context

from scicat_ingest.faults import InvalidMapping
from scicat_ingest.translate.mappings import (
    NO_MAPPINGS,
    SHIPPED,
    fingerprint,
    load_mapping_file,
    load_mappings,
    mapping_paths,
)

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, name: str, extra: str = "", *, called: str | None = None) -> Path:
    path = folder / name
    path.write_text(f"name: {called or path.stem}\n{extra}\nacquisition: {{acquisitionId: x}}\n", encoding="utf-8")
    return path


def refused(folder: Path | None, *shipped: str) -> str:
    with pytest.raises(InvalidMapping) as caught:
        load_mappings(folder, shipped)
    return caught.value.message


def test_files_are_tried_by_order_then_by_name(tmp_path: Path) -> None:
    """Whatever they are called in the folder."""
    write(tmp_path, "1.yaml", "order: 20", called="late")
    write(tmp_path, "2.yml", "order: 10", called="z")
    write(tmp_path, "3.yaml", "order: 10", called="a")
    write(tmp_path, "4.yaml", "order: -1.5", called="first")
    write(tmp_path, "5.yaml", called="default")
    assert [file.name for file in load_mappings(tmp_path)] == ["first", "a", "z", "late", "default"]


def test_the_first_of_two_that_match_is_used(tmp_path: Path) -> None:
    """None where none does."""
    write(tmp_path, "one.yaml", "order: 2\nmatch: event.a is defined")
    write(tmp_path, "two.yaml", "order: 1\nmatch: event.b is defined")
    mappings = load_mappings(tmp_path)
    chosen = [mappings.choose(context(event)) for event in ({"a": 1, "b": 2}, {"a": 1}, {})]
    assert [file and file.name for file in chosen] == ["two", "one", None]
    assert NO_MAPPINGS.choose(context({"a": 1})) is None


def test_only_mapping_files_of_the_folder_itself_are_read(tmp_path: Path) -> None:
    """Examples, notes and folders are not."""
    write(tmp_path, "ours.yaml")
    for name in ("ours.example.json", "ours.yaml.orig", "README.md", ".hidden"):
        (tmp_path / name).write_text("no mapping")
    (tmp_path / "old.yaml").mkdir()
    assert [path.name for path in mapping_paths(tmp_path)] == ["ours.yaml"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    """Outcomes name the mapping; also one that comes with the service has its name."""
    write(tmp_path, "a.yaml", called="same")
    write(tmp_path, "b.yaml", called="same")
    assert refused(tmp_path) == "b.yaml: a.yaml has the name 'same' as well"
    (tmp_path / "b.yaml").unlink()
    write(tmp_path, "a.yaml", called="s3")
    assert "has the name 's3' as well" in refused(tmp_path, "s3")


def test_a_folder_without_mapping_files_is_refused(tmp_path: Path) -> None:
    """It is a wrong path, or a volume that is not mounted."""
    assert "there is no mapping file (*.yaml)" in refused(tmp_path)
    assert "nowhere cannot be read: No such file" in refused(tmp_path / "nowhere")
    assert len(load_mappings(None)) == 0


def test_a_name_that_does_not_come_with_the_service_is_refused() -> None:
    """With those that do; a path is none."""
    assert refused(None, "odin") == f"mapping.shipped: there is no 'odin' (there is: {', '.join(SHIPPED)})"
    assert "there is no '../shipped/s3'" in refused(None, "../shipped/s3")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Whatever is wrong with it."""
    (tmp_path / "a.yaml").write_bytes(b"name: \xff\xfe")
    assert "a.yaml: expected UTF-8" in refused(tmp_path)
    with pytest.raises(InvalidMapping, match=r"b\.yaml: cannot be read: No such file"):
        load_mapping_file(tmp_path / "b.yaml")
    with pytest.raises(InvalidMapping, match="cannot be read: Is a directory"):
        load_mapping_file(tmp_path)


def test_a_schema_is_read_beside_the_file(tmp_path: Path) -> None:
    """It goes with every dataset that the mapping makes."""
    path = write(tmp_path, "a.yaml", "metadata_schema: a.schema.json")
    (tmp_path / "a.schema.json").write_text('{"required": ["temperature"]}')
    assert load_mapping_file(path).metadata_schema == {"required": ["temperature"]}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("{", "a.yaml:2: metadata_schema a.schema.json: this is no JSON"),
        ('{"type": "nosuch"}', "a.yaml:2: metadata_schema a.schema.json: this is no JSON Schema"),
        ("true", "a.yaml:2: metadata_schema a.schema.json: expected an object"),
        ("[" * 100_000, "a.yaml:2: metadata_schema a.schema.json: this is no JSON"),
        (None, "a.schema.json: cannot be read: No such file"),
    ],
)
def test_a_schema_that_is_none_is_refused(tmp_path: Path, schema: str | None, message: str) -> None:
    """At start, not at the first dataset."""
    path = write(tmp_path, "a.yaml", "metadata_schema: a.schema.json")
    if schema is not None:
        (tmp_path / "a.schema.json").write_text(schema)
    with pytest.raises(InvalidMapping) as caught:
        load_mapping_file(path)
    assert message in caught.value.message


def test_the_name_of_a_schema_is_text(tmp_path: Path) -> None:
    """A schema within the file is not taken."""
    with pytest.raises(InvalidMapping, match="expected the name of a file"):
        load_mapping_file(write(tmp_path, "a.yaml", "metadata_schema: {type: object}"))


def test_the_fingerprint_changes_with_a_file(tmp_path: Path) -> None:
    """With its content, its name, and when one comes or goes; not with time."""
    path = write(tmp_path, "a.yaml")
    seen = [fingerprint(tmp_path)]
    assert fingerprint(tmp_path) == seen[0]
    os.utime(path, ns=(1, 1))
    seen.append(fingerprint(tmp_path))
    path.write_text("changed")
    os.utime(path, ns=(1, 1))
    seen.append(fingerprint(tmp_path))
    path.rename(tmp_path / "b.yaml")
    seen.append(fingerprint(tmp_path))
    (tmp_path / "b.yaml").unlink()
    seen.append(fingerprint(tmp_path))
    assert len(set(seen)) == len(seen)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    assert fingerprint(tmp_path) == ()
    assert fingerprint(None) == fingerprint(tmp_path / "nowhere") == ()
