"""Experimental techniques by the PaNET ontology; panet.json says which version."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_BASE = "http://purl.org/pan-science/PaNET/"


@dataclass(frozen=True, slots=True)
class Technique:
    """A technique as SciCat wants it."""

    pid: str
    """IRI."""
    name: str


def find(text: str) -> Technique | None:
    """Find a technique by a label in any case, an acronym, or its IRI, with or without what stands before `PaNET`."""
    by_iri, by_label = _terms()
    wanted = text.strip()
    iri = wanted.replace("https://", "http://", 1)
    if iri not in by_iri and wanted.startswith("PaNET"):
        iri = _BASE + wanted
    iri = iri if iri in by_iri else by_label.get(" ".join(wanted.lower().split()), "")
    return Technique(iri, by_iri[iri]) if iri else None


@cache
def _terms() -> tuple[dict[str, str], dict[str, str]]:
    """Give the name of each IRI, and the IRI of each label."""
    document = json.loads(files(__package__).joinpath("panet.json").read_text(encoding="utf-8"))
    terms: dict[str, list[str]] = document["techniques"]
    by_label = {label: iri for iri, labels in reversed(terms.items()) for label in labels}
    by_label.setdefault("exafs", f"{_BASE}PaNET01198")
    return {iri: labels[0] for iri, labels in terms.items()}, by_label
