"""What the facility has: mounted folders and a schema registry. What takes long is done in threads and processes."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import CapacityLimiter, from_thread, to_thread

from scicat_ingest.faults import ExtraMissing, FileUnreadable, InvalidSettings, NotThereYet
from scicat_ingest.mapping.acquisition import identify
from scicat_ingest.mapping.pid import derive_uuid
from scicat_ingest.mapping.source_folder import choose_source_folder, relative_path, roots_of
from scicat_ingest.storage.lists.checksums import Pace
from scicat_ingest.storage.lists.listed import Listing
from scicat_ingest.storage.lists.listing import list_files
from scicat_ingest.storage.nexus import in_reader_process, open_values
from scicat_ingest.storage.previews import PlotRequest, PreviewFailed, make_preview
from scicat_ingest.storage.roots import Roots

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from scicat_ingest.catalogue.file_list import FileList
    from scicat_ingest.consume.registry import SchemaRegistry
    from scicat_ingest.decode.decoded import Decoded
    from scicat_ingest.decode.event import AcquisitionCompleted, EventAttachment
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.settings import NexusSettings, Settings
    from scicat_ingest.storage.lists.fetch import HttpsFetch
    from scicat_ingest.storage.needs_file import NeedsFile
    from scicat_ingest.translate.mapping_file import Acquisition

Result = TypeVar("Result")


class MountedFacility:
    """Reads what is mounted on this machine, below the roots of the event's source."""

    def __init__(self, settings: Settings, registry: SchemaRegistry | None, fetch: HttpsFetch) -> None:
        self._settings = settings
        self._registry = registry
        self._fetch = fetch
        self._threads = CapacityLimiter(settings.files.threads)
        self._processes = CapacityLimiter(settings.nexus.processes)
        self._pace = Pace(settings.files.checksum_bytes_per_second, time.monotonic, time.sleep)

    async def read_schema(self, reference: int | str) -> Any:
        """Give a schema as the registry has it. Raises RegistryUnavailable, CorruptRecord, InvalidSettings."""
        if self._registry is None:
            hint = "set it to the registry's address, such as https://registry.example.org"
            raise InvalidSettings("registry.url is needed to read the format schema_registry", hint=hint)
        return await self._registry.get(reference)

    async def read_values(self, needs: NeedsFile) -> Acquisition:
        """Make the acquisition with the values of its file. Raises RecordFault, NotThereYet, ExtraMissing."""
        return await self._read(translate_with_file, needs, self._settings.nexus)

    async def list_files(self, event: AcquisitionCompleted, rules: MappingRules, created: datetime) -> FileList:
        """Give all files of the event. Raises as `lists.listing.list_files`."""
        folder = choose_source_folder(event, rules)
        listing = Listing(
            folder=folder,
            roots=_roots(event, rules),
            settings=rules.files,
            zone=rules.mapping.zone,
            fetch=self._fetch,
            pace=self._pace,
            now=time.time,
            check_cancelled=from_thread.check_cancelled,
        )
        return await to_thread.run_sync(partial(list_files, event, listing, created), limiter=self._threads)

    async def make_pictures(self, decoded: Decoded, rules: MappingRules, *, waited: bool = False) -> Decoded:
        """Give the event with thumbnails for attachments that are files or plots.

        One that cannot be made is left out with a warning. Raises NotThereYet, unless it was `waited` for long enough;
        ForbiddenBySource, PathOutsideSource.
        """
        event = decoded.event
        made, warnings = [], []
        for index, given in enumerate(event.attachments or ()):
            field = f"attachments[{index}]"
            try:
                made.append(await self._with_picture(given, event, rules, field))
            except (PreviewFailed, FileUnreadable, ExtraMissing, NotThereYet) as fault:
                if isinstance(fault, NotThereYet) and not waited:
                    raise
                warnings.append(f"{field}: {fault}; the attachment was left out")
        pictured = event.model_copy(update={"attachments": made})
        return replace(decoded, event=pictured, warnings=(*decoded.warnings, *warnings))

    async def _with_picture(
        self, given: EventAttachment, event: AcquisitionCompleted, rules: MappingRules, field: str
    ) -> EventAttachment:
        """Give the attachment with its thumbnail; its id does not depend on how the picture was drawn.

        Raises PreviewFailed, FileUnreadable, ExtraMissing, NotThereYet; ForbiddenBySource, PathOutsideSource.
        """
        if given.path is None and given.plot is None:
            return given
        plot = given.plot
        field, named = (f"{field}.plot.file", plot.file) if plot else (f"{field}.path", str(given.path))
        folder = choose_source_folder(event, rules)
        path = f"{folder}/{relative_path(named, folder, field)}"
        wanted = PlotRequest(plot.data, plot.x, plot.log, plot.title) if plot else None
        url = await self._read(make_preview, path, _roots(event, rules), self._settings.previews, wanted)
        drawn = named if plot is None else plot.model_dump_json(include={*type(plot).model_fields, *plot.unknown})
        aid = given.id or derive_uuid(rules.mapping.namespace, identify(event, rules), given.caption, drawn)
        return given.model_copy(update={"thumbnail": url, "path": None, "plot": None, "id": aid})

    async def _read(self, function: Callable[..., Result], *args: object) -> Result:
        nexus = self._settings.nexus
        return await in_reader_process(
            function,
            *args,
            timeout_seconds=nexus.timeout_seconds,
            max_memory_bytes=nexus.max_memory_bytes,
            limiter=self._processes,
        )


def translate_with_file(needs: NeedsFile, settings: NexusSettings) -> Acquisition:
    """Open the file and make the acquisition. Runs in a reader process."""
    with open_values(needs.path, needs.roots, settings) as values:
        return needs.mapping.acquisition(needs.context, values)


def _roots(event: AcquisitionCompleted, rules: MappingRules) -> Roots:
    return Roots(roots_of(event, rules), rules.files.mounts)
