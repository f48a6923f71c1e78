"""The dataset document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from scicat_ingest.catalogue.dataset import Dataset
from scicat_ingest.catalogue.text_rules import is_source_folder_host
from scicat_ingest.catalogue.times import from_epoch_ms, parse_time
from scicat_ingest.decode.event import Proposal, Sample
from scicat_ingest.decode.first_fault import excerpt, first_fault
from scicat_ingest.faults import ForbiddenBySource, InvalidField, MissingField
from scicat_ingest.mapping.lint import Findings, is_orcid, lint_techniques
from scicat_ingest.mapping.lookups import NOTHING_LOOKED_UP, instrument_ids, principal_investigators
from scicat_ingest.mapping.pid import resolve_input
from scicat_ingest.mapping.template import fill_template

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from scicat_ingest.decode.event import AcquisitionCompleted
    from scicat_ingest.mapping.lookups import LookedUp
    from scicat_ingest.mapping.rules import MappingRules

_TIMES = ("creationTime", "startTime", "endTime")
_RIGHTS = ("sharedWith", "isPublished", "datasetlifecycle")
"""Protected fields that only `dataset` can set; pid and groups are judged where they are chosen."""
_NO_PROPOSAL, _NO_SAMPLE = Proposal(), Sample()


@dataclass(frozen=True, slots=True)
class Inherited:
    """What every block and attachment takes over from its dataset; SciCat would overwrite another ownerGroup."""

    pid: str
    owner_group: str
    access_groups: list[str]
    instrument_group: str | None
    is_published: bool


def inherited_from(dataset: Dataset, pid: str) -> Inherited:
    """Collect what the dataset's blocks and attachments take over."""
    return Inherited(
        pid=pid,
        owner_group=dataset.ownerGroup,
        access_groups=dataset.accessGroups or [],
        instrument_group=dataset.instrumentGroup,
        is_published=bool(dataset.isPublished),
    )


def verbatim_fields(event: AcquisitionCompleted, rules: MappingRules) -> dict[str, Any]:
    """Give the fields of `dataset`, SciCat's own names, without nulls and with times read.

    Raises ForbiddenBySource for a right that the source may not give, InvalidField for a time that cannot be read.
    """
    given = {name: value for name, value in (event.dataset or {}).items() if value is not None}
    for name in _RIGHTS:
        if given.get(name) and name not in rules.source.may_set:
            message = f"this source may not set {name} to {excerpt(given[name])}"
            raise ForbiddenBySource(message, field=f"dataset.{name}")
    for name in _TIMES:
        if name in given:
            given[name] = _read_time(given[name], f"dataset.{name}", rules)
    return given


def creation_time(event: AcquisitionCompleted, verbatim: Mapping[str, Any], record_timestamp_ms: int) -> datetime:
    """Give endedAt, else startedAt, else the record's timestamp; never now. Raises MissingField if there is none."""
    chosen: datetime | None = verbatim.get("creationTime") or event.endedAt or event.startedAt
    if chosen is not None:
        return chosen
    if record_timestamp_ms < 0:
        raise MissingField("is needed: the event has no startedAt, and Kafka no timestamp for it", field="endedAt")
    try:
        return from_epoch_ms(record_timestamp_ms)
    except ValueError:
        message = "is needed: the event has no startedAt, and Kafka's timestamp for it is outside the years 1 to 9999"
        raise MissingField(message, field="endedAt") from None


def derive_fields(
    event: AcquisitionCompleted, rules: MappingRules, looked_up: LookedUp = NOTHING_LOOKED_UP
) -> dict[str, Any]:
    """Give the descriptive fields that the event's own names say; None where it says nothing."""
    proposal, sample = event.proposal or _NO_PROPOSAL, event.sample or _NO_SAMPLE
    return {
        "type": event.type,
        "datasetName": _visible(event.title) or event.acquisitionId,
        "description": event.description,
        "keywords": event.keywords,
        "comment": event.comment,
        "creationLocation": fill_template(rules.mapping.creation_location, event),
        "instrumentIds": instrument_ids(event, looked_up),
        "proposalIds": _ids(proposal.id),
        "principalInvestigators": principal_investigators(event, looked_up),
        "sampleIds": _ids(sample.id),
        "orcidOfOwner": _visible(event.owner.orcid) if event.owner else None,
        "startTime": event.startedAt,
        "endTime": event.endedAt,
        "runNumber": event.runNumber,
        "scientificMetadataSchema": event.metadataSchema,
        "techniques": [{"pid": technique.pid, "name": technique.name} for technique in event.techniques or ()] or None,
        "dataFormat": event.dataFormat,
        "license": event.license,
        "classification": event.classification,
        "inputDatasets": None
        if event.inputDatasets is None
        else [resolve_input(i, rules) for i in event.inputDatasets],
        "usedSoftware": event.usedSoftware,
        "jobParameters": event.jobParameters,
        "jobLogData": event.jobLogData,
        "isPublished": False,
    }


def lint_fields(
    fields: Mapping[str, Any], verbatim: Mapping[str, Any], rules: MappingRules
) -> tuple[dict[str, Any], list[str]]:
    """Give the owner's ORCID iD and the techniques, linted, and warnings; what has no such type is left out.

    Raises InvalidMetadata where a policy of `lint` is `reject`.
    """
    linted: dict[str, Any] = {}
    warnings: list[str] = []
    orcid = fields.get("orcidOfOwner")
    if isinstance(orcid, str) and orcid and not is_orcid(orcid):
        findings = Findings("dataset.orcidOfOwner" if "orcidOfOwner" in verbatim else "owner.orcid")
        what = "this is no ORCID iD, or a digit of it is wrong"
        if findings.judge(rules.lint.orcid, what, (), done="it was left out", got=orcid):
            linted["orcidOfOwner"] = None
        warnings += findings.warnings()
    techniques = fields.get("techniques")
    if isinstance(techniques, list) and all(map(_is_technique, techniques)):
        field = "dataset.techniques" if "techniques" in verbatim else "techniques"
        linted["techniques"], found = lint_techniques(techniques, field, rules.lint.techniques)
        warnings += found
    return linted, warnings


def _is_technique(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in ("pid", "name"))


def choose_host(event: AcquisitionCompleted, verbatim: Mapping[str, Any]) -> tuple[str | None, list[str]]:
    """Give sourceFolderHost if SciCat takes it, else a warning."""
    field, host = "source.host", event.source.host if event.source else None
    if "sourceFolderHost" in verbatim:
        field, host = "dataset.sourceFolderHost", verbatim["sourceFolderHost"]
    if host is None or host == "":
        return None, []
    if isinstance(host, str) and is_source_folder_host(host):
        return host, []
    return None, [f"{field}: SciCat does not take {excerpt(host)} as a host name; it was left out"]


def build_dataset(fields: Mapping[str, Any], rules: MappingRules) -> Dataset:
    """Validate the document as a whole. Raises InvalidField, UnknownField or MissingField under `dataset.…`."""
    present = {name: value for name, value in fields.items() if value is not None and value != []}
    try:
        dataset = Dataset.model_validate(present, context={"zone": rules.mapping.zone})
    except ValidationError as error:
        raise first_fault(error.errors(include_url=False), present, prefix="dataset.") from None
    if dataset.type == "derived":
        for name in ("inputDatasets", "usedSoftware"):
            if not getattr(dataset, name):
                raise MissingField("is missing, and a derived dataset needs it", field=name)
    return dataset


def _read_time(value: Any, field: str, rules: MappingRules) -> datetime:
    if not isinstance(value, str):
        raise InvalidField("expected an RFC 3339 time as a string", field=field)
    try:
        return parse_time(value, rules.mapping.zone)
    except ValueError as error:
        raise InvalidField(str(error), field=field) from None


def _visible(text: str | None) -> str | None:
    return text if text and text.strip() else None


def _ids(value: str | None) -> list[str]:
    return [value] if value and value.strip() else []
