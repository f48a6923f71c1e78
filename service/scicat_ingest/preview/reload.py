"""A changed mapping file is taken while the service runs, if it compiles and its golden examples pass."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.faults import ConfigurationFault, InputFault
from scicat_ingest.preview.examples import compare_examples
from scicat_ingest.translate.mappings import fingerprint, load_mappings, mapping_paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from scicat_ingest.engine.way import Facility
    from scicat_ingest.settings import Settings
    from scicat_ingest.translate.mappings import Mappings

_LOG = logging.getLogger(__name__)

LOOK_SECONDS = 10.0


class Reload:
    """Looks at `mapping.folder`; what it finds changed, and good, it hands to `use`."""

    def __init__(self, settings: Settings, facility: Facility, use: Callable[[Mappings], None]) -> None:
        self._settings = settings
        self._facility = facility
        self._use = use
        self._seen = fingerprint(settings.mapping.folder)

    async def watch(self) -> None:
        """Look for changes until cancelled."""
        while True:
            await anyio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Take what has changed, once; a change that is refused is said in the log, and the files before it stay."""
        found = fingerprint(self._settings.mapping.folder)
        if found == self._seen:
            return
        self._seen = found
        try:
            await self._take()
        except (ConfigurationFault, InputFault) as fault:
            _LOG.error("the changed mapping files are refused, those before stay in use: %s", fault)

    async def _take(self) -> None:
        mapping = self._settings.mapping
        mappings = load_mappings(mapping.folder, mapping.shipped)
        for path in mapping_paths(mapping.folder):
            for compared in await compare_examples(path, self._settings, self._facility):
                if compared.differences:
                    _LOG.error(
                        "the changed mapping files are refused, those before stay in use: %s differs: %s",
                        compared.name,
                        "; ".join(compared.differences[:3]),
                    )
                    return
        self._use(mappings)
        _LOG.info("mapping files are taken: %s", ", ".join(f"{file.name} {file.digest}" for file in mappings))
