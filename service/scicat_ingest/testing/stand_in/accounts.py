"""Who may log in, and which groups give which right."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """A functional account: what SciCat reads from its `functionalAccounts.json`."""

    username: str
    password: str
    groups: tuple[str, ...]
    email: str = ""

    @property
    def user_id(self) -> str:
        """A stable identifier, 24 hexadecimal digits as MongoDB gives them."""
        return hashlib.sha256(self.username.encode()).hexdigest()[:24]

    @property
    def address(self) -> str:
        """The e-mail address; made from the username if none was given."""
        return self.email or f"{self.username}@stand-in.example.org"


@dataclass(frozen=True, slots=True)
class Powers:
    """Which groups give which right: SciCat's `*_GROUPS` environment variables.

    `create` may be `("#all",)`, which is what SciCat takes when CREATE_DATASET_GROUPS is not set: then everyone who can
    log in may create datasets without a pid.
    """

    admin: tuple[str, ...] = ("admin",)
    create_privileged: tuple[str, ...] = ("ingestor",)
    create_with_pid: tuple[str, ...] = ("pidUser",)
    create: tuple[str, ...] = ("plainUser",)
    delete: tuple[str, ...] = ("archiveManager",)
    update_lifecycle: tuple[str, ...] = ("archiveManager",)
    proposal: tuple[str, ...] = ("proposalIngestor",)


def account(username: str, *more_groups: str) -> Account:
    """Return an account in the group of its own name, with the password `USERNAME-password`."""
    return Account(username, f"{username}-password", (username, *more_groups))


DEFAULT_ACCOUNTS = (
    account("admin"),
    account("ingestor"),
    account("pidUser", "p1001"),
    account("plainUser", "p1001"),
    account("guest"),
    account("archiveManager"),
    account("proposalIngestor"),
)
"""The accounts that the real backend was measured with, and one that may create proposals."""
