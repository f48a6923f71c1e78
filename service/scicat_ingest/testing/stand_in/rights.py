"""Who may do what, as measured account by account on the real backend.

Guards look at the account alone and refuse with "Forbidden resource"; the other functions look at one document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scicat_ingest.testing.stand_in.accounts import Account, Powers


@dataclass(frozen=True, slots=True)
class Rights:
    """What one account may do. Without an account it is anonymous, which is also what a dead token amounts to."""

    user: Account | None
    powers: Powers

    def _in(self, groups: Iterable[str]) -> bool:
        return self.user is not None and (not {*groups}.isdisjoint(self.user.groups) or "#all" in groups)

    @property
    def known(self) -> bool:
        """Whether the token is alive."""
        return self.user is not None

    @property
    def admin(self) -> bool:
        """Whether the account is in ADMIN_GROUPS."""
        return self._in(self.powers.admin)

    @property
    def writes_anywhere(self) -> bool:
        """Whether it may create datasets, v3 blocks and v3 attachments for any group."""
        return self.admin or self._in(self.powers.create_privileged)

    @property
    def creates(self) -> bool:
        """Whether it may use the endpoints that create and change datasets and blocks at all."""
        return self.writes_anywhere or self._in(self.powers.create_with_pid) or self._in(self.powers.create)

    @property
    def deletes(self) -> bool:
        """Whether it may delete datasets and blocks. Admins may not."""
        return self._in(self.powers.delete)

    @property
    def deletes_attachments(self) -> bool:
        """Whether it may delete attachments. Admins may."""
        return self.admin or self.deletes

    @property
    def changes_lifecycles(self) -> bool:
        """Whether it may change the life cycle of some datasets."""
        return self.creates or self.changes_any_lifecycle

    @property
    def changes_any_lifecycle(self) -> bool:
        """Whether it may change the life cycle of any dataset."""
        return self.admin or self._in(self.powers.update_lifecycle)

    @property
    def creates_proposals(self) -> bool:
        """Whether it may create proposals."""
        return self.admin or self._in(self.powers.proposal)

    def owns(self, document: Mapping[str, Any]) -> bool:
        """Whether the document's ownerGroup is one of the account's."""
        return self.user is not None and document.get("ownerGroup") in self.user.groups

    def writes(self, document: Mapping[str, Any]) -> bool:
        """Whether it may change a document: admins and owners. accessGroups and privilege give nothing here."""
        return self.admin or self.owns(document)

    def reads(self, document: Mapping[str, Any]) -> bool:
        """Whether it may see a document: admins, owners, accessGroups, those it is shared with, anyone if published."""
        if self.admin or document.get("isPublished") or self.owns(document):
            return True
        if self.user is None:
            return False
        shared_with = document.get("sharedWith") or ()
        return (
            not {*self.user.groups}.isdisjoint(document.get("accessGroups") or ()) or self.user.address in shared_with
        )

    def creates_dataset(self, dataset: Mapping[str, Any]) -> bool:
        """Whether it may create this dataset: a foreign ownerGroup needs privilege, a pid of one's own a right."""
        if self.writes_anywhere:
            return True
        return self.owns(dataset) and (not dataset.get("pid") or self._in(self.powers.create_with_pid))


Guard = Callable[[Rights], bool]


def anyone(_: Rights) -> bool:
    """Let everybody in: v3 reads, which degrade to what is public."""
    return True


def known(rights: Rights) -> bool:
    """Let living tokens in: v4 reads."""
    return rights.known


def admin(rights: Rights) -> bool:
    """Let admins in: v4 attachments, whatever ATTACHMENT_GROUPS says, and instruments."""
    return rights.admin


def creator(rights: Rights) -> bool:
    """Let those in who may create datasets."""
    return rights.creates


def deleter(rights: Rights) -> bool:
    """Let DELETE_GROUPS in."""
    return rights.deletes


def attachment_deleter(rights: Rights) -> bool:
    """Let DELETE_GROUPS and admins in."""
    return rights.deletes_attachments


def attachment_editor(rights: Rights) -> bool:
    """Let those in who may create or delete."""
    return rights.creates or rights.deletes


def lifecycle_editor(rights: Rights) -> bool:
    """Let those in who may change the life cycle of some datasets."""
    return rights.changes_lifecycles


def proposal_creator(rights: Rights) -> bool:
    """Let PROPOSAL_GROUPS and admins in."""
    return rights.creates_proposals
