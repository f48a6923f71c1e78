"""Settings of lint."""

from __future__ import annotations

from pydantic import Field

from scicat_ingest.settings.values import Group, LintDoubt, LintNeed, LintPolicy

_MIB = 1024 * 1024


class LintSettings(Group):
    """What is looked for in an event before it is posted: docs/lint.md.

    `warn` keeps what was found, `strip` mends it; both say so in the outcome. `reject` makes the event a dead letter.
    What SciCat does not bear can only be mended or rejected.
    """

    units: LintPolicy = Field(default="warn", description="units that neither pint nor SciCat knows; strip drops them")
    keys: LintPolicy = Field(default="warn", description="names that SciCat misreads; strip renames them")
    empty_keys: LintNeed = Field(default="strip", description="entries with an empty name end some servers")
    nulls: LintNeed = Field(default="strip", description="a null at the top of the metadata ends some servers")
    non_finite: LintNeed = Field(default="strip", description="NaN and infinity; strip: null stands in their place")
    large_integers: LintPolicy = Field(
        default="warn", description="integers beyond 2^53, which SciCat rounds; strip makes texts of them"
    )
    long_texts: LintPolicy = Field(default="warn", description="texts longer than `max_text`; strip cuts them off")
    max_text: int = Field(default=100_000, ge=1000, description="characters of one text in the metadata")
    nesting: LintPolicy = Field(
        default="strip", description="objects and arrays deeper than `max_depth`; strip writes them as JSON text"
    )
    max_depth: int = Field(
        default=90, ge=2, le=98, description="levels of objects and arrays; MongoDB takes 100 of the whole document"
    )
    size: LintDoubt = Field(default="warn", description="metadata over `max_keys` or `max_metadata_bytes`")
    max_keys: int = Field(
        default=10_000, ge=1, description="names in the metadata; so many keep SciCat from answering for a second"
    )
    max_metadata_bytes: int = Field(default=12 * _MIB, ge=1, description="the metadata's JSON; SciCat takes 16 MiB")
    metadata_schema: LintDoubt = Field(
        default="warn", description="metadata against the JSON Schema that the mapping file names in `metadata_schema`"
    )
    emails: LintNeed = Field(default="strip", description="e-mail addresses that SciCat refuses; strip takes the next")
    orcid: LintPolicy = Field(default="warn", description="ORCID iDs of the wrong form or checksum; strip drops them")
    techniques: LintPolicy = Field(
        default="warn", description="techniques that are not as in PaNET; strip takes PaNET's, or drops unknown ones"
    )
