"""Find what SciCat would refuse, lose or misread: docs/lint.md. `lint` in the settings says what is done about it."""

from scicat_ingest.mapping.lint.findings import Findings
from scicat_ingest.mapping.lint.keys import without_collisions
from scicat_ingest.mapping.lint.metadata import lint_metadata
from scicat_ingest.mapping.lint.orcid import is_orcid
from scicat_ingest.mapping.lint.techniques import lint_techniques

__all__ = ["Findings", "is_orcid", "lint_metadata", "lint_techniques", "without_collisions"]
