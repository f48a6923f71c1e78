"""Which texts SciCat's validators take (measured on the real backend, which uses validator.js)."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

_LABEL = re.compile(r"(?!-)[a-z0-9\u00a1-\uffff-]{1,63}(?<!-)", re.IGNORECASE)
_TOP_LEVEL = re.compile(r"[a-z\u00a1-\uffff]{2,}|xn--[a-z0-9-]{2,}", re.IGNORECASE)
_LONGEST_EMAILS = 5000
"""Characters of all addresses of a field: each costs a parse."""


def is_email(text: str) -> bool:
    """Tell whether SciCat takes `text` as an e-mail field: one address, or several separated by `;`."""
    return len(text) <= _LONGEST_EMAILS and _are_emails(text)


@lru_cache(256)  # they are always the same few, and each costs 30 µs
def _are_emails(text: str) -> bool:
    return all(_is_one_email(part.strip()) for part in text.split(";"))


def _is_one_email(text: str) -> bool:
    try:
        address = validate_email(text, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return False
    return _is_domain_name(address.ascii_domain)


def is_source_folder_host(text: str) -> bool:
    """Tell whether SciCat takes `text` as sourceFolderHost.

    It is `[protocol://]host.with.tld[:port][/path]`, where the host may be an IP address; http, https or ftp.
    `host1`, `localhost` and `https://h/x` are refused with a 400: a host needs a real top-level domain.
    """
    if not text or len(text) > 2083 or re.search(r"[\s<>\x00-\x1f\x7f]", text):
        return False
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("", "http", "https", "ftp") or port == 0:
        return False
    host = parts.hostname or ""
    return _is_ip(host) or _is_domain_name(host)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_domain_name(host: str) -> bool:
    labels = host.split(".")
    return (
        len(labels) >= 2
        and len(host) <= 253
        and all(_LABEL.fullmatch(label) for label in labels)
        and _TOP_LEVEL.fullmatch(labels[-1]) is not None
    )
