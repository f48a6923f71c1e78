"""The ESS's FlatBuffers: a run's start (pl72), its stop (6s4t), and the file writer's "finished" (wrdn)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from streaming_data_types.fbschemas.finished_writing_wrdn.FinishedWriting import FinishedWriting
from streaming_data_types.fbschemas.run_start_pl72.RunStart import RunStart
from streaming_data_types.fbschemas.run_stop_6s4t.RunStop import RunStop

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.document import Part
from scicat_ingest.decode.formats.allowance import Allowance
from scicat_ingest.decode.formats.cloud_event import event_source
from scicat_ingest.decode.formats.flatbuffer import open_table, read_text
from scicat_ingest.decode.formats.kept import kept_bytes
from scicat_ingest.decode.formats.signs import ESS_NOISE, shows
from scicat_ingest.decode.json_object import parse_json_object
from scicat_ingest.faults import CorruptRecord, UndecodableRecord, UnknownFormat

if TYPE_CHECKING:
    from scicat_ingest.consume.record import Record
    from scicat_ingest.settings import FormatName, LimitsSettings

Role = Literal["start", "middle", "end"]

_WRDN = {"service_id": "ServiceId", "job_id": "JobId", "file_name": "FileName", "message": "Message"}
_PL72 = {
    "job_id": "JobId",
    "service_id": "ServiceId",
    "instrument_name": "InstrumentName",
    "run_name": "RunName",
    "filename": "Filename",
}
_6S4T = {"job_id": "JobId", "service_id": "ServiceId", "run_name": "RunName", "command_id": "CommandId"}
_LONGEST_JOB_ID = 500
_LEVELS_ABOVE_METADATA = 2
"""A start's metadata stand in `start`, which stands in the joined document."""


class Ess:
    """`limits.max_event_bytes` bounds what is read of a buffer: a start's nexus_structure is not, and may be larger."""

    name: FormatName = "ess"

    def recognises(self, record: Record) -> bool:
        """Tell whether bytes 4 to 8 are a known schema identifier, and the root is within the buffer."""
        return shows(self.name, record)

    def read(self, record: Record, limits: LimitsSettings) -> Part | Ignored:
        """Give the part of the run; measured values, statuses and commands are noise."""
        value = record.value or b""
        identifier = bytes(value[4:8])
        if identifier in ESS_NOISE:
            return Ignored("noise")
        allowance = Allowance(limits)
        match identifier:
            case b"wrdn":
                return _part(record, "end", _finished(value, allowance, limits), allowance)
            case b"pl72":
                return _part(record, "start", _start(value, allowance, limits), allowance)
            case b"6s4t":
                return _part(record, "middle", _stop(value, allowance), allowance)
            case _:
                raise UnknownFormat(f"expected a FlatBuffer of the ESS, its schema identifier is {identifier!r}")


def _part(record: Record, role: Role, content: dict[str, Any], allowance: Allowance) -> Part:
    job = content["job_id"]
    if not job or len(job) > _LONGEST_JOB_ID:
        raise CorruptRecord(f"expected text of 1 to {_LONGEST_JOB_ID} characters", field="job_id")
    return Part(
        "ess",
        job,
        role,
        content,
        kept_bytes(content),
        event_source=event_source(record),
        event_type=record.header("ce_type"),
        warnings=allowance.warnings,
    )


def _finished(value: bytes, allowance: Allowance, limits: LimitsSettings) -> dict[str, Any]:
    table = open_table(FinishedWriting, value)
    content: dict[str, Any] = {field: read_text(table, getter, allowance, field) for field, getter in _WRDN.items()}
    content["error_encountered"] = bool(table.ErrorEncountered())
    content["metadata"] = _metadata(table, allowance, limits)
    return content


def _start(value: bytes, allowance: Allowance, limits: LimitsSettings) -> dict[str, Any]:
    table = open_table(RunStart, value)
    content: dict[str, Any] = {field: read_text(table, getter, allowance, field) for field, getter in _PL72.items()}
    content["start_time"] = table.StartTime() or None
    content["stop_time"] = table.StopTime() or None
    content["metadata"] = _metadata(table, allowance, limits)
    return content


def _stop(value: bytes, allowance: Allowance) -> dict[str, Any]:
    table = open_table(RunStop, value)
    content: dict[str, Any] = {field: read_text(table, getter, allowance, field) for field, getter in _6S4T.items()}
    content["stop_time"] = table.StopTime() or None
    return content


def _metadata(table: Any, allowance: Allowance, limits: LimitsSettings) -> Any:
    """Parse the metadata, which should be a JSON object; as text if they are not. No text is null."""
    text = read_text(table, "Metadata", allowance, "metadata")
    if not text:
        return None
    deepest = max(1, limits.max_event_depth - _LEVELS_ABOVE_METADATA)
    try:
        return parse_json_object(text.encode(), max_bytes=limits.max_event_bytes, max_depth=deepest)
    except UndecodableRecord as fault:
        allowance.warn(f"metadata: kept as text, since they are no JSON object: {fault.message}")
        return text
