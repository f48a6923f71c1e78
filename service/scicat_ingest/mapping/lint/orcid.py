"""ORCID iDs: sixteen digits, the last of which is a checksum."""

from __future__ import annotations

import re

_FORM = re.compile(r"(?:https?://(?:www\.)?orcid\.org/)?([0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X])")


def is_orcid(text: str) -> bool:
    """Tell whether `text` is an ORCID iD, with or without https://orcid.org/, and its checksum is right.

    The checksum is ISO 7064 MOD 11-2, as on
    https://support.orcid.org/hc/en-us/articles/360006897674-Structure-of-the-ORCID-Identifier
    """
    form = _FORM.fullmatch(text)
    if form is None:
        return False
    digits = form[1].replace("-", "")
    total, last = 0, digits[-1]
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    return (12 - total % 11) % 11 == (10 if last == "X" else int(last))
