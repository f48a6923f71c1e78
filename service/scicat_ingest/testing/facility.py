"""A facility without files and registries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scicat_ingest.faults import NotThereYet, RegistryUnavailable

if TYPE_CHECKING:
    from datetime import datetime

    from scicat_ingest.catalogue.file_list import FileList
    from scicat_ingest.decode.decoded import Decoded
    from scicat_ingest.decode.event import AcquisitionCompleted
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.storage.needs_file import NeedsFile
    from scicat_ingest.translate.mapping_file import Acquisition


class EmptyFacility:
    """Nothing is mounted, and no registry answers."""

    async def read_schema(self, reference: int | str) -> Any:
        """Raise RegistryUnavailable."""
        raise RegistryUnavailable(f"there is no registry to ask for schema {reference}")

    async def read_values(self, needs: NeedsFile) -> Acquisition:
        """Raise NotThereYet."""
        raise NotThereYet(f"{needs.path!r} is not there: nothing is mounted")

    async def list_files(self, event: AcquisitionCompleted, rules: MappingRules, created: datetime) -> FileList:  # noqa: ARG002 (a Facility)
        """Raise NotThereYet."""
        raise NotThereYet("no files are there: nothing is mounted")

    async def make_pictures(self, decoded: Decoded, rules: MappingRules, *, waited: bool = False) -> Decoded:  # noqa: ARG002 (a Facility)
        """Raise NotThereYet."""
        raise NotThereYet("no pictures are there: nothing is mounted")
