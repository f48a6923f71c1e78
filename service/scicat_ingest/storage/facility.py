"""What the facility has: mounted folders and a schema registry. What takes long is done in threads and processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scicat_ingest.faults import InvalidSettings, NotThereYet

if TYPE_CHECKING:
    from datetime import datetime

    from scicat_ingest.catalogue.file_list import FileList
    from scicat_ingest.consume.registry import SchemaRegistry
    from scicat_ingest.decode.decoded import Decoded
    from scicat_ingest.decode.event import AcquisitionCompleted
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.settings import Settings
    from scicat_ingest.storage.needs_file import NeedsFile
    from scicat_ingest.translate.mapping_file import Acquisition


class MountedFacility:
    """Reads what is mounted on this machine, below the roots of the event's source."""

    def __init__(self, settings: Settings, registry: SchemaRegistry | None) -> None:
        self._settings = settings
        self._registry = registry

    async def read_schema(self, reference: int | str) -> Any:
        """Give a schema as the registry has it. Raises RegistryUnavailable, CorruptRecord, InvalidSettings."""
        if self._registry is None:
            hint = "set it to the registry's address, such as https://registry.example.org"
            raise InvalidSettings("registry.url is needed to read the format schema_registry", hint=hint)
        return await self._registry.get(reference)

    async def read_values(self, needs: NeedsFile) -> Acquisition:
        raise NotThereYet(needs.path)

    async def list_files(self, event: AcquisitionCompleted, rules: MappingRules, created: datetime) -> FileList:
        raise NotThereYet("")

    async def make_pictures(self, decoded: Decoded, rules: MappingRules) -> Decoded:
        raise NotThereYet("")
