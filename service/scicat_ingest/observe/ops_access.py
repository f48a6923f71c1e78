"""Who may see metrics and the status page."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from typing import TYPE_CHECKING

from scicat_ingest.faults import InvalidSettings

if TYPE_CHECKING:
    from pathlib import Path

_LOG = logging.getLogger(__name__)


class Access:
    """Compares with the token in a file, which is read each time; without a file, everybody may. In any thread."""

    def __init__(self, token_file: Path | None) -> None:
        self._file = token_file

    def check(self) -> None:
        """Make sure that there is a token in the file. Raises InvalidSettings."""
        if self._file is not None and self._token(self._file) is None:
            raise InvalidSettings(f"ops.token_file: {self._file} cannot be read, or is empty")

    def allows(self, authorization: str) -> bool:
        """Tell whether this header gives the token: as a bearer token, or as the password of any user."""
        if self._file is None:
            return True
        token = self._token(self._file)
        if token is None:
            _LOG.error("ops.token_file: %s cannot be read, or is empty: nobody is let in", self._file)
            return False
        return hmac.compare_digest(_given(authorization), token)

    @staticmethod
    def _token(file: Path) -> bytes | None:
        try:
            return file.read_bytes().strip() or None
        except OSError:
            return None


def _given(authorization: str) -> bytes:
    scheme, _, credentials = authorization.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return credentials.strip().encode("latin-1", "replace")
        case "basic":
            try:
                return base64.b64decode(credentials.strip(), validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                return b""
        case _:
            return b""
