"""The values of the chart: each is used, each setting is among them, and wrong ones are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.chart.rendered import CHART, helm, refusal

from scicat_ingest.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.tools

EVERYTHING: dict[str, Any] = {
    "config": {
        "mapping": {"pid_prefix": "20.500.1", "namespace": "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10"},
        "kafka": {"bootstrap_servers": "kafka:9092"},
        "scicat": {"url": "https://scicat.example.org"},
    },
    "secrets": {
        name: {"existingSecret": "secret"} for name in ("scicat", "kafka", "kafkaCa", "scicatCa", "registry", "ops")
    },
    "podDisruptionBudget": {"enabled": True},
    "networkPolicy": {"enabled": True},
    "monitoring": {each: {"enabled": True} for each in ("podMonitor", "prometheusRule", "dashboards")},
    "keda": {"enabled": True},
    "strimzi": {"topics": {"enabled": True}, "user": {"enabled": True}},
    "workload": {"kind": "StatefulSet"},
}
"""All parts switched on, so that a value of any of them shows."""
EVERYTHING["config"]["mapping"]["fallback_owner_group"] = "unassigned"
ONLY_WITHOUT: dict[str, dict[str, Any]] = {
    "replicaCount": {"keda": {"enabled": False}},
    "nameOverride": {},
    "serviceAccount.name": {},
    "secrets.scicat.passwordKey": {"secrets": {"scicat": {"tokenKey": ""}}},
}
"""Values that show only where another is not given."""


def leaves(values: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(values, dict) and values:
        for name, each in values.items():
            yield from leaves(each, (*path, name))
    else:
        yield path, values


LEAVES = dict(leaves(yaml.safe_load((CHART / "values.yaml").read_text())))


def other_than(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return f"{value}x"
        case dict():
            return {"changed": "value"}
        case list():
            return [{"name": "changed", "mountPath": "/changed", "volume": {"emptyDir": {}}}]
    raise AssertionError(value)


def merged(values: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    both = dict(values)
    for name, each in more.items():
        both[name] = merged(both[name], each) if isinstance(each, dict) and isinstance(both.get(name), dict) else each
    return both


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for name in reversed(path):
        value = {name: value}
    return dict(value)


def without(values: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    name, *rest = path
    if name not in values:
        return values
    if not rest:
        return {each: value for each, value in values.items() if each != name}
    return {**values, name: without(values[name], tuple(rest))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("values")


def rendered(values: dict[str, Any], folder: Path) -> str:
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    done = helm("template", "ingest", CHART, "-f", file, "--skip-schema-validation")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", LEAVES, ids=".".join)
def test_every_value_changes_something(path: tuple[str, ...], folder: Path) -> None:
    """A value that no template reads would be a promise that nobody keeps."""
    given = merged(EVERYTHING, ONLY_WITHOUT.get(".".join(path), {}))
    if path != ("config",):
        given = without(given, path)  # so that the default is what is changed
    if path == ("workload", "kind"):
        changed: Any = "StatefulSet"
    elif path == ("config",):
        changed = {"kafka": {"group_id": "other"}}
    elif path == ("mappings", "existingConfigMap"):
        changed = "other"
    else:
        changed = other_than(LEAVES[path])
    assert rendered(merged(given, nested(path, changed)), folder) != rendered(given, folder)


def resolved(schema: dict[str, Any], node: Any) -> Any:
    """Give a schema with all that it refers to, without words for people."""
    if isinstance(node, list):
        return [resolved(schema, each) for each in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        group, name = node["$ref"].removeprefix("#/").split("/")
        return resolved(schema, schema[group][name])
    return {name: resolved(schema, each) for name, each in node.items()}


def names_of(node: Any, path: str = "") -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from names_of(each, path)
    elif isinstance(node, dict):
        for name, each in node.items():
            if name == "properties":
                for setting, inside in each.items():
                    yield f"{path}.{setting}"
                    yield from names_of(inside, f"{path}.{setting}")
            elif name != "$defs":
                yield from names_of(each, path)


def test_every_setting_can_be_given() -> None:
    """`config` is the settings tree, down to its leaves."""
    chart = json.loads((CHART / "values.schema.json").read_text())
    settings = Settings.model_json_schema()
    wanted = set(names_of(resolved(settings, settings)))
    assert set(names_of(resolved(chart, chart["properties"]["config"]))) == wanted
    assert len(wanted) > 100


def test_every_value_has_its_place_in_the_schema() -> None:
    """And the schema none besides."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    names = {name.removeprefix(".") for name in names_of({**schema, "definitions": None})}
    open_ended = ("config", "podSecurityContext", "securityContext", "resources", "monitoring.dashboards.labels")
    missing = {".".join(path) for path in LEAVES} - names
    assert {each for each in missing if not each.startswith(open_ended)} == set()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("config.kafka.bootstrap_server=x", "at '/config/kafka': additional properties 'bootstrap_server' not allowed"),
        ("config.limits.max_concurrency=0", "at '/config/limits/max_concurrency': minimum: got 0, want 1"),
        ("config.mapping.namespace=nope", "at '/config/mapping/namespace': 'nope' is not valid uuid"),
        ("config.log.level=LOUD", "at '/config/log/level': value must be one of 'DEBUG'"),
        ("replicas=3", "additional properties 'replicas' not allowed"),
        ("workload.kind=DaemonSet", "at '/workload/kind': value must be one of 'Deployment', 'StatefulSet'"),
        ("workload.terminationGracePeriodSeconds=10", "terminationGracePeriodSeconds': minimum: got 10, want 30"),
        ("data[0].name=x", "at '/data/0': missing properties 'mountPath', 'volume'"),
        ("image.digest=latest", "at '/image/digest'"),
        ("keda.cooldownPeriod=7200", "at '/keda/cooldownPeriod'"),
        ("config.scicat.password=x", "use secrets.scicat.existingSecret"),
        ("config.scicat.token=x", "use secrets.scicat.existingSecret"),
        ("config.kafka.sasl_password=x", "use secrets.kafka.existingSecret"),
        ("config.registry.password=x", "use secrets.registry.existingSecret"),
        ("config.mapping.pid_prefix=", "config.mapping.pid_prefix is needed"),
        ("config.kafka.bootstrap_servers=", "config.kafka.bootstrap_servers is needed"),
        ("config.scicat.url=null", "config.scicat.url is needed"),
        ("config.ops.enabled=off", "config.ops: Kubernetes asks the ops server"),
        ("config.ops.port=0", "config.ops: Kubernetes asks the ops server"),
    ],
)
def test_wrong_values_are_refused_with_what_is_wrong(wrong: str, said: str) -> None:
    """By their place, or by what to do."""
    assert said in refusal("--set", wrong)


@pytest.mark.parametrize("value", ["on", "true"])
def test_a_switch_needs_no_quotes(value: str) -> None:
    """YAML reads on as true; the service takes both."""
    done = helm(
        "template", "ingest", CHART, "-f", CHART / "ci" / "plain-values.yaml", "--set", f"config.mapping.reload={value}"
    )
    assert done.returncode == 0, done.stderr
