"""The custom resources that the chart makes, as their operators define them."""

from __future__ import annotations

import copy
from typing import Any

import yaml
from tests.tools.programs import FETCHED

CRDS = FETCHED.parent / "lib" / "crds"


def definitions() -> list[dict[str, Any]]:
    """Give the CustomResourceDefinitions of the Prometheus operator, KEDA and Strimzi."""
    found = [yaml.safe_load(path.read_text()) for path in sorted(CRDS.glob("*.yaml"))]
    assert len(found) == 6, "run `make tools`"
    for definition in found:
        if definition["spec"]["group"] == "kafka.strimzi.io":
            _add_v1(definition)
    return found


def _add_v1(definition: dict[str, Any]) -> None:
    """Strimzi's v1 is v1beta2 without `operation` of an ACL. Its generator that we can get knows only v1beta2."""
    old, *_ = [each for each in definition["spec"]["versions"] if each["name"] == "v1beta2"]
    new = {**copy.deepcopy(old), "name": "v1", "storage": False}
    properties = new["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    if "authorization" in properties:
        del properties["authorization"]["properties"]["acls"]["items"]["properties"]["operation"]
    definition["spec"]["versions"].append(new)
