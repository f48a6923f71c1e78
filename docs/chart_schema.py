"""The schema of the chart's values: the settings model below `config`, and what is the chart's own."""

from __future__ import annotations

from typing import Any

from scicat_ingest.settings import Settings

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NAME: Schema = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$"}
TEXTS: Schema = {"type": "object", "additionalProperties": TEXT}
ANYTHING: Schema = {"type": "object"}
"""Of Kubernetes' own: it says what is wrong with it."""
LIST: Schema = {"type": "array", "items": ANYTHING}


def _closed(**properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _choice(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _secret(**keys: Schema) -> Schema:
    return _closed(existingSecret=TEXT, **keys)


PROBE = _closed(
    initialDelaySeconds=COUNT, periodSeconds=COUNT, timeoutSeconds=COUNT, failureThreshold=COUNT, successThreshold=COUNT
)

VALUES: dict[str, Schema] = {
    "replicaCount": COUNT,
    "nameOverride": TEXT,
    "fullnameOverride": TEXT,
    "commonLabels": TEXTS,
    "image": _closed(
        registry=TEXT,
        repository={"type": "string", "minLength": 1},
        tag=TEXT,
        digest={"type": "string", "pattern": "^(sha256:[a-f0-9]{64})?$"},
        pullPolicy=_choice("Always", "IfNotPresent", "Never"),
    ),
    "imagePullSecrets": {"type": "array", "items": _closed(name=TEXT)},
    "secrets": _closed(
        scicat=_secret(passwordKey=TEXT, tokenKey=TEXT),
        kafka=_secret(passwordKey=TEXT, certKey=TEXT, keyKey=TEXT),
        kafkaCa=_secret(key=TEXT),
        scicatCa=_secret(key=TEXT),
        registry=_secret(passwordKey=TEXT),
        ops=_secret(tokenKey=TEXT),
    ),
    "mappings": _closed(
        files={
            "type": "object",
            "additionalProperties": TEXT,
            "propertyNames": {"pattern": "^[A-Za-z0-9._-]+\\.(yaml|yml|json)$"},
        },
        existingConfigMap=TEXT,
    ),
    "data": {
        "type": "array",
        "items": _closed(
            name=NAME,
            mountPath={"type": "string", "pattern": "^/."},
            subPath=TEXT,
            volume={**ANYTHING, "minProperties": 1},
        )
        | {"required": ["name", "mountPath", "volume"]},
    },
    "workload": _closed(
        kind=_choice("Deployment", "StatefulSet"),
        staticMembership=FLAG,
        terminationGracePeriodSeconds={"type": "integer", "minimum": 30},
        revisionHistoryLimit=COUNT,
        annotations=TEXTS,
    ),
    "probes": _closed(startup=PROBE, liveness=PROBE, readiness=PROBE),
    "resources": ANYTHING,
    "serviceAccount": _closed(create=FLAG, name=TEXT, annotations=TEXTS),
    "podSecurityContext": ANYTHING,
    "securityContext": ANYTHING,
    "tmpSizeLimit": TEXT,
    "podAnnotations": TEXTS,
    "podLabels": TEXTS,
    "nodeSelector": TEXTS,
    "tolerations": LIST,
    "affinity": ANYTHING,
    "topologySpreadConstraints": LIST,
    "priorityClassName": TEXT,
    "extraArgs": {"type": "array", "items": TEXT},
    "extraEnv": LIST,
    "extraEnvFrom": LIST,
    "extraVolumes": LIST,
    "extraVolumeMounts": LIST,
    "initContainers": LIST,
    "extraContainers": LIST,
    "extraObjects": LIST,
    "podDisruptionBudget": _closed(enabled=FLAG, maxUnavailable={"type": ["integer", "string"]}),
    "networkPolicy": _closed(enabled=FLAG, ingressFrom=LIST, egress=LIST),
    "monitoring": _closed(
        podMonitor=_closed(
            enabled=FLAG,
            interval={"type": "string", "pattern": "^[0-9]+(ms|s|m)$"},
            scrapeTimeout={"type": "string", "pattern": "^([0-9]+(ms|s|m))?$"},
            labels=TEXTS,
            relabelings=LIST,
            metricRelabelings=LIST,
        ),
        prometheusRule=_closed(enabled=FLAG, labels=TEXTS, runbookBase={"type": "string", "pattern": "^https?://"}),
        dashboards=_closed(enabled=FLAG, labels=TEXTS, annotations=TEXTS),
    ),
    "keda": _closed(
        enabled=FLAG,
        minReplicaCount=COUNT,
        maxReplicaCount={"type": "integer", "minimum": 1},
        lagThreshold={"type": "integer", "minimum": 1},
        pollingInterval={"type": "integer", "minimum": 1},
        cooldownPeriod={"type": "integer", "minimum": 0, "maximum": 3600},
        kafkaVersion={"type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+$"},
        authenticationRef=TEXT,
    ),
    "strimzi": _closed(
        apiVersion=_choice("", "v1", "v1beta2"),
        clusterName=TEXT,
        topics=_closed(
            enabled=FLAG,
            partitions={"type": "integer", "minimum": 1},
            replicas={"type": "integer", "minimum": 1},
            minInSyncReplicas={"type": "integer", "minimum": 1},
        ),
        user=_closed(enabled=FLAG, authentication=_choice("scram-sha-512", "tls")),
    ),
    "global": ANYTHING,
}


def values_schema() -> Schema:
    """Give the schema (draft 7, which helm reads)."""
    settings = Settings.model_json_schema()
    settings.pop("required", None)  # the templates say what is missing, and why
    groups = {name: _for_helm(group) for name, group in settings.pop("$defs").items()}
    groups["MappingSettings"].pop("required", None)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart scicat-ingest",
        "type": "object",
        "additionalProperties": False,
        "properties": {"config": _for_helm(settings), **VALUES},
        "definitions": groups,
    }


def _for_helm(value: Any) -> Any:
    """Write a schema as draft 7 has it: definitions elsewhere, no default that a person might take for the chart's."""
    if isinstance(value, list):
        return [_for_helm(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("enum") == ["off", "on"]:
        return {"enum": ["off", "on", False, True]}  # what YAML makes of them without quotes; the settings take both
    made = {name: _for_helm(each) for name, each in value.items() if name != "default" or isinstance(each, dict)}
    if isinstance(made.get("$ref"), str):
        return {"$ref": made["$ref"].replace("#/$defs/", "#/definitions/")}
    return made
