"""The files of the status page."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""To be sent with the page: it asks nobody but the service, and runs nothing that came with an event."""

_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/status.css": ("status.css", "text/css; charset=utf-8"),
    "/status.js": ("status.js", "text/javascript; charset=utf-8"),
}


@cache
def page_files() -> Mapping[str, tuple[str, bytes]]:
    """Give content type and bytes by path."""
    folder = files(__package__) / "assets"
    return MappingProxyType(
        {path: (content_type, (folder / name).read_bytes()) for path, (name, content_type) in _FILES.items()}
    )
