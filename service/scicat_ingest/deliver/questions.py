"""What SciCat is asked about instruments, proposals and samples, and what its answers mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.deliver.classify import Verdict
from scicat_ingest.faults import CatalogueUnavailable, RejectedByCatalogue, WrongEndpoint
from scicat_ingest.mapping.lookups import Instruments, Kind, Proposal, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.deliver.answer import Answer
    from scicat_ingest.deliver.client import CatalogueClient, Reply
    from scicat_ingest.mapping.lookups import Found, Wanted


@dataclass(frozen=True, slots=True)
class NotThere:
    """SciCat has no such thing, or none that we may see; it may come."""

    why: str


class Questions:
    """Asks, each time anew."""

    def __init__(self, client: CatalogueClient) -> None:
        self._client = client

    async def ask(self, wanted: Wanted) -> Found | NotThere:
        """Ask for one thing.

        That it is not there is only believed of an answer to a token that SciCat knows: with a dead one, v3 says the
        same. Raises CatalogueUnavailable, CredentialsRejected, WrongEndpoint, or RejectedByCatalogue for a name or id
        that SciCat does not take.
        """
        answer, verdict = await self._send(wanted)
        if _is_absence(answer, verdict):
            await self._client.groups()
            answer, verdict = await self._send(wanted)
        return _read(wanted, answer, verdict)

    async def _send(self, wanted: Wanted) -> Reply:
        match wanted.kind:
            case Kind.INSTRUMENT:
                return await self._client.get_instruments(wanted.key)
            case Kind.PROPOSAL:
                return await self._client.get_proposal(wanted.key)
            case Kind.SAMPLE:
                return await self._client.get_sample(wanted.key)


def _is_absence(answer: Answer, verdict: Verdict) -> bool:
    if verdict is Verdict.DONE:
        return answer.body == [] or (answer.body is None and answer.message in ("", "null"))
    return verdict is Verdict.NOT_FOUND


def _read(wanted: Wanted, answer: Answer, verdict: Verdict) -> Found | NotThere:
    said = f"looking up {wanted}: {answer.status} {answer.message}"
    if _is_absence(answer, verdict):
        return NotThere("is not in SciCat")
    match verdict:
        case Verdict.DONE:
            found = _read_document(wanted.kind, answer.body)
            if found is None:
                raise CatalogueUnavailable(f"{said[:200]}, which is no answer to that")
            return found
        case Verdict.REFUSED:
            return NotThere("is not in SciCat, or not ours to read")
        case Verdict.NO_ROUTE | Verdict.MAY_NOT:
            hint = f"scicat.url is the backend's address without /api; lookups.{wanted.kind}: off asks for none"
            raise WrongEndpoint(said, hint=hint)
        case Verdict.INVALID | Verdict.TOO_LARGE:
            raise RejectedByCatalogue(said, field=wanted.field)
        case _:
            raise CatalogueUnavailable(said, retry_after=answer.retry_after)


def _read_document(kind: Kind, body: Any) -> Found | None:
    match kind, body:
        case Kind.INSTRUMENT, [*documents]:
            pids = tuple(
                pid for document in documents if isinstance(document, dict) and (pid := _text(document, "pid"))
            )
            return Instruments(pids) if len(pids) == len(documents) else None
        case Kind.PROPOSAL, dict():
            return _read_proposal(body)
        case Kind.SAMPLE, dict():
            return Sample()
        case _:
            return None


def _read_proposal(document: Mapping[str, Any]) -> Proposal:
    name = " ".join(part for name in ("pi_firstname", "pi_lastname") if (part := _text(document, name)))
    emails = (_text(document, name) for name in ("pi_email", "email"))
    groups = document.get("accessGroups")
    return Proposal(
        principal_investigators=(name,) if name else (),
        emails=tuple(dict.fromkeys(email for email in emails if email)),
        owner_group=_text(document, "ownerGroup"),
        access_groups=tuple(group for group in groups if isinstance(group, str) and group.strip())
        if isinstance(groups, list)
        else (),
    )


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value.strip() or None if isinstance(value, str) else None
