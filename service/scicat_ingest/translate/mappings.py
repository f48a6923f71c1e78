"""All mapping files of a service, in the order in which they are tried."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from scicat_ingest.faults import InvalidMapping
from scicat_ingest.translate.mapping_file import MappingFile, compile_mapping
from scicat_ingest.translate.yaml_lines import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scicat_ingest.translate.context import Context

SHIPPED_FOLDER = Path(str(files(__package__).joinpath("shipped")))
SHIPPED = tuple(sorted(path.stem for path in SHIPPED_FOLDER.glob("*.yaml")))
"""Names of the mapping files that come with the service."""


@dataclass(frozen=True, slots=True)
class Mappings:
    """Mapping files; the first that matches is used."""

    files: tuple[MappingFile, ...] = ()

    def __len__(self) -> int:
        """Tell how many there are."""
        return len(self.files)

    def __iter__(self) -> Iterator[MappingFile]:
        """Give them in order."""
        return iter(self.files)

    def choose(self, context: Context) -> MappingFile | None:
        """Give the first that is for this event."""
        return next((file for file in self.files if file.matches(context)), None)


NO_MAPPINGS = Mappings()


def load_mappings(folder: Path | None, shipped: Sequence[str] = (), further: Sequence[Path] = ()) -> Mappings:
    """Read and compile all files. Raises InvalidMapping, also for two of one name."""
    paths = [*further, *(shipped_path(name) for name in shipped), *mapping_paths(folder)]
    loaded = sorted((load_mapping_file(path) for path in paths), key=lambda file: (file.order, file.name))
    seen: dict[str, MappingFile] = {}
    for file in loaded:
        if file.name in seen:
            raise InvalidMapping(f"{file.file_name}: {seen[file.name].file_name} has the name {file.name!r} as well")
        seen[file.name] = file
    return Mappings(tuple(loaded))


def mapping_paths(folder: Path | None) -> list[Path]:
    """Give the mapping files of a folder. Raises InvalidMapping if it cannot be read, or has none."""
    if folder is None:
        return []
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
    except OSError as error:
        raise InvalidMapping(f"mapping.folder: {folder} cannot be read: {error.strerror}") from None
    if not paths:
        raise InvalidMapping(f"mapping.folder: there is no mapping file (*.yaml) in {folder}")
    return paths


def shipped_path(name: str) -> Path:
    """Give the file of a shipped mapping. Raises InvalidMapping."""
    if name not in SHIPPED:
        raise InvalidMapping(f"mapping.shipped: there is no {name!r} (there is: {', '.join(SHIPPED)})")
    return SHIPPED_FOLDER / f"{name}.yaml"


def load_mapping_file(path: Path) -> MappingFile:
    """Read and compile one file, with the JSON Schema that it names. Raises InvalidMapping."""
    text = _read(path)
    root = parse_yaml(text, path.name).value
    named = root.get("metadata_schema") if isinstance(root, dict) else None
    if named is None:
        return compile_mapping(text, path.name, None)
    if not isinstance(named.value, str):
        raise InvalidMapping(f"{path.name}:{named.line}: metadata_schema: expected the name of a file")
    return compile_mapping(text, path.name, _read(path.parent / named.value))


def fingerprint(folder: Path | None) -> tuple[tuple[str, int, int], ...]:
    """Give something that changes when a file of the folder does; cheap, and nothing of what cannot be looked at."""
    try:
        return tuple(_stamps(sorted(folder.iterdir()) if folder is not None else ()))
    except OSError:
        return ()


def _stamps(paths: Iterable[Path]) -> Iterator[tuple[str, int, int]]:
    for path in paths:
        try:
            found = path.stat()
        except OSError:  # it goes away just now, as when a ConfigMap is swapped
            continue
        if stat.S_ISREG(found.st_mode):
            yield path.name, found.st_mtime_ns, found.st_size


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidMapping(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidMapping(f"{path}: expected UTF-8") from None
