"""Who owns the dataset, and whom to write to."""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING

from scicat_ingest.catalogue.text_rules import is_email
from scicat_ingest.decode.first_fault import excerpt
from scicat_ingest.faults import InvalidField, InvalidMetadata, MissingField
from scicat_ingest.mapping.lookups import NOTHING_LOOKED_UP, principal_investigators

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scicat_ingest.decode.event import AcquisitionCompleted
    from scicat_ingest.mapping.lookups import LookedUp
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.settings import LintNeed

_FROM_SCICAT = "proposal.id"
"""The field of addresses that the event's proposal has in SciCat: the event is not rejected for them."""
_HINT = "send the event again with it, under the same acquisitionId; or set {}, then replay the record"


@dataclass(frozen=True, slots=True)
class People:
    """The names and addresses of a dataset."""

    owner: str
    contact_email: str
    owner_email: str | None
    warnings: tuple[str, ...]


def choose_people(event: AcquisitionCompleted, rules: MappingRules, looked_up: LookedUp = NOTHING_LOOKED_UP) -> People:
    """Choose the first of each that is there and, of e-mails, that SciCat takes.

    Raises MissingField when neither the event, its proposal nor the settings name an owner or a contact, InvalidField
    for an owner that is no string, InvalidMetadata for an address that SciCat does not take, if `lint.emails` says so.
    """
    warnings: list[str] = []
    verbatim = event.dataset or {}
    investigators = principal_investigators(event, looked_up)
    if not isinstance(verbatim.get("owner"), (str, NoneType)):
        raise InvalidField("expected a string", field="dataset.owner")
    names = [verbatim.get("owner"), event.owner and event.owner.name, *investigators, rules.mapping.owner]
    owner = next((name for name in names if name and name.strip()), None)
    if owner is None:
        raise MissingField(
            "is missing, and a dataset needs an owner", field="owner.name", hint=_HINT.format("mapping.owner")
        )
    owner_mail = event.owner.email if event.owner else None
    contact = _first_email(
        [
            ("dataset.contactEmail", verbatim.get("contactEmail")),
            ("contactEmail", event.contactEmail),
            ("owner.email", owner_mail),
            *((_FROM_SCICAT, address) for address in looked_up.proposal.emails),
            ("mapping.contact_email", rules.mapping.contact_email),
        ],
        warnings,
        rules.lint.emails,
    )
    if contact is None:
        message = "; ".join(["is missing, and a dataset needs an e-mail address", *warnings])
        raise MissingField(message, field="contactEmail", hint=_HINT.format("mapping.contact_email"))
    owner_email = _first_email(
        [("dataset.ownerEmail", verbatim.get("ownerEmail")), ("owner.email", owner_mail)], warnings, rules.lint.emails
    )
    return People(owner, contact, owner_email, tuple(dict.fromkeys(warnings)))


def _first_email(candidates: Iterable[tuple[str, object]], warnings: list[str], policy: LintNeed) -> str | None:
    for field, text in candidates:
        if text is None or text == "":
            continue
        if isinstance(text, str) and is_email(text):
            return text
        wrong = f"SciCat does not take {excerpt(text)} as an e-mail address"
        if policy == "reject" and field != _FROM_SCICAT:
            raise InvalidMetadata(wrong, field=field)
        warnings.append(f"{field}: {wrong}; it was left out")
    return None
