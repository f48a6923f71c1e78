"""Rules by which mapping files are tried out: as the settings have them, but for the files and what they may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.decode.formats import installed_formats
from scicat_ingest.mapping.rules import rules_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.settings import Settings, SourceSettings
    from scicat_ingest.translate.mappings import Mappings


def trial_rules(
    source: SourceSettings, settings: Settings, mappings: Mappings, roots: Sequence[str] = ()
) -> MappingRules:
    """Give a source's rules for trying these mapping files; every format that is installed is read.

    Files may be opened below `roots`, besides the source's own. Raises InvalidSettings.
    """
    formats = frozenset(each.name for each in installed_formats() if each.missing is None)
    tried = source.model_copy(update={"formats": formats, "roots": (*source.roots, *roots)})
    return rules_for(tried, settings, mappings)
