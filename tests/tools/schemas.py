"""Writes what manifests are checked with: `schemas.py SCHEMAS CRDS`, in an environment of its own (tests/tools/fetch).

JSON Schemas of Kubernetes come with absolute references; they are made local. Definitions of custom resources, for an
API server and for kubeconform, are made of models.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
from cloudcoil.models.keda.v1alpha1 import ScaledObject, TriggerAuthentication
from cloudcoil.models.prometheus_operator.v1 import PodMonitor, PrometheusRule

CORE = "kubernetes-json-schema"
PARTS = ("spec", "status")


def local(value: Any) -> Any:
    """Let references point to this folder, and forget where the schema came from."""
    if isinstance(value, list):
        return [local(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {name: local(each) for name, each in value.items() if not (name == "$id" and isinstance(each, str))}
    if isinstance(made.get("$ref"), str):
        file, _, inside = made["$ref"].partition("#")
        made["$ref"] = f"{file.rpartition('/')[2]}#{inside}"
    return made


def structural(value: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Write pydantic's schema as a cluster takes it: no references, no null, no words for people."""
    if isinstance(value.get("$ref"), str):
        return structural(definitions[value["$ref"].rpartition("/")[2]], definitions)
    choices = [each for each in value.get("anyOf", ()) if each != {"type": "null"}]
    if {each.get("type") for each in choices} == {"integer", "string"}:
        return {"x-kubernetes-int-or-string": True}
    if choices:
        return structural(choices[0], definitions)
    kept = {name: each for name, each in value.items() if name not in ("const", "default", "title", "description")}
    if "properties" in kept:
        kept["properties"] = {name: structural(each, definitions) for name, each in kept["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(kept.get(name), dict):
            kept[name] = structural(kept[name], definitions)
    return kept or {"x-kubernetes-preserve-unknown-fields": True}


def definition_of(model: Any) -> dict[str, Any]:
    """Give the CustomResourceDefinition of a model."""
    schema = model.model_json_schema(by_alias=True)
    properties = {
        name: structural(each, schema["$defs"]) for name, each in schema["properties"].items() if name in PARTS
    }
    group, _, version = model.model_fields["api_version"].default.partition("/")
    kind = model.__name__
    names = {"kind": kind, "singular": kind.lower(), "plural": f"{kind.lower()}s", "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.{group}"},
        "spec": {
            "group": group,
            "names": names,
            "scope": "Namespaced",
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
                }
            ],
        },
    }


def main(folder: Path, crds: Path) -> None:
    """Write them."""
    folder.mkdir(parents=True, exist_ok=True)
    versions = sorted(
        (Path(kubernetes_validate.__file__).parent / CORE).glob("*-local-strict"),
        key=lambda path: [int(part) for part in path.name.removeprefix("v").partition("-")[0].split(".")],
    )
    for path in versions[-1].glob("*.json"):
        (folder / path.name).write_text(json.dumps(local(json.loads(path.read_text()))))
    crds.mkdir(parents=True, exist_ok=True)
    for model in (ScaledObject, TriggerAuthentication, PodMonitor, PrometheusRule):
        (crds / f"{model.__name__}.yaml").write_text(json.dumps(definition_of(model), indent=1))  # JSON is YAML


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
