"""The v3 spelling of the same documents, for older servers and for accounts without v4 rights.

v3 takes single ids under singular names and refuses the plural ones; a raw dataset needs `principalInvestigator` and
`creationLocation`, a derived one `investigator` (measured on the real backend).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIRST_OF = {"proposalIds": "proposalId", "sampleIds": "sampleId", "instrumentIds": "instrumentId"}
_NOT_IN_DERIVED = ("creationLocation", "dataFormat", "endTime", "startTime", "sampleId", "instrumentId")
_NOT_IN_ATTACHMENT = ("aid", "isPublished", "relationships")
UNKNOWN = "unknown"


def dataset_for_v3(payload: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Respell a v4 dataset payload for POST /api/v3/datasets.

    Returns the payload and a warning for each value that v3 has no place for. Any type but raw and derived keeps the
    v4 spelling, which v3 then expects.
    """
    if payload["type"] not in ("raw", "derived"):
        return dict(payload), []
    respelt = {name: value for name, value in payload.items() if name not in _FIRST_OF}
    warnings = []
    for plural, singular in _FIRST_OF.items():
        ids = payload.get(plural) or []
        if ids:
            respelt[singular] = ids[0]
        warnings += [f"{plural}: SciCat's v3 route keeps only the first, {other!r} is dropped" for other in ids[1:]]
    names = ", ".join(respelt.pop("principalInvestigators", None) or [])
    if payload["type"] == "raw":
        respelt["principalInvestigator"] = names or payload["owner"]
        respelt.setdefault("creationLocation", UNKNOWN)
    else:
        respelt["investigator"] = names or payload["owner"]
        respelt.setdefault("inputDatasets", [])
        respelt.setdefault("usedSoftware", [])
        for name in _NOT_IN_DERIVED:
            if name in respelt:
                del respelt[name]
                warnings.append(f"{name}: SciCat's v3 route has no place for it in a derived dataset; it is dropped")
    return respelt, warnings


def changes_for_v3(changes: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Respell fields of a v4 dataset of type `kind` for PATCH /api/v3/datasets/{pid}."""
    if kind not in ("raw", "derived"):
        return dict(changes)
    respelt = dict(changes)
    for plural, singular in _FIRST_OF.items():
        if ids := respelt.pop(plural, None):
            respelt[singular] = ids[0]
    if names := respelt.pop("principalInvestigators", None):
        respelt["principalInvestigator" if kind == "raw" else "investigator"] = ", ".join(names)
    return {name: value for name, value in respelt.items() if kind == "raw" or name not in _NOT_IN_DERIVED}


def attachment_for_v3(payload: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Respell a v4 attachment payload for POST /api/v3/datasets/{pid}/attachments, which sets id and target itself."""
    respelt = {name: value for name, value in payload.items() if name not in _NOT_IN_ATTACHMENT}
    warnings = []
    if payload.get("isPublished"):
        warnings.append("attachment isPublished: SciCat's v3 route has no place for it; it is dropped")
    if len(payload.get("relationships") or ()) > 1:
        warnings.append("attachment relationships: SciCat's v3 route keeps only the one to its dataset")
    return respelt, warnings
