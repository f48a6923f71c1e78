"""Writes JSON Schemas for kubeconform: `schemas.py FOLDER`, in an environment of its own (tests/tools/fetch).

Those of Kubernetes come with absolute references; they are made local. Those of custom resources are made of models.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from cloudcoil.models.prometheus_operator.v1 import PodMonitor, PrometheusRule

CORE = "kubernetes-json-schema"


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


def strict(value: Any) -> Any:
    """Refuse fields that nobody knows."""
    if isinstance(value, dict):
        closed = {name: strict(each) for name, each in value.items()}
        if "properties" in closed and "additionalProperties" not in closed:
            closed["additionalProperties"] = False
        return closed
    return [strict(each) for each in value] if isinstance(value, list) else value


def main(folder: Path) -> None:
    """Write them."""
    folder.mkdir(parents=True, exist_ok=True)
    versions = sorted(
        (Path(kubernetes_validate.__file__).parent / CORE).glob("*-local-strict"),
        key=lambda path: [int(part) for part in path.name.removeprefix("v").partition("-")[0].split(".")],
    )
    for path in versions[-1].glob("*.json"):
        (folder / path.name).write_text(json.dumps(local(json.loads(path.read_text()))))
    for model in (ScaledObject, PodMonitor, PrometheusRule):
        schema = strict(model.model_json_schema(by_alias=True))
        (folder / f"custom-{model.__name__.lower()}.json").write_text(json.dumps(schema))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
