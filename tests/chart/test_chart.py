"""What the chart makes of values, for every case in ci/."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.chart.rendered import CASES, CHART, helm, manifests, one, refusal, text_of, values_of, workload
from tests.tools.programs import FETCHED, program

from scicat_ingest import __version__
from scicat_ingest.settings import Settings, load_settings
from scicat_ingest.translate.mappings import load_mappings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.tools

SCHEMAS = FETCHED.parent / "lib" / "schemas"
CRDS = FETCHED.parent / "lib" / "crds"
SELECTORS = {"app.kubernetes.io/name": "scicat-ingest", "app.kubernetes.io/instance": "ingest"}
"""Of every release so far: a Deployment's selector cannot be changed by an upgrade."""


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Where kubeconform finds its schemas: those of Strimzi are made of its resource definitions."""
    assert SCHEMAS.exists(), "run `make tools`"
    folder = tmp_path_factory.mktemp("schemas")
    for path in CRDS.glob("*.yaml"):
        definition = yaml.safe_load(path.read_text())
        for version in definition["spec"]["versions"]:
            schema = version["schema"]["openAPIV3Schema"]
            name = definition["spec"]["names"]["singular"]
            (folder / f"{name}-{version['name']}.json").write_text(json.dumps(closed(schema)))
    return [
        f"{SCHEMAS}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json",
        f"{SCHEMAS}/custom-{{{{ .ResourceKind }}}}.json",
        f"{folder}/{{{{ .ResourceKind }}}}-{{{{ .ResourceAPIVersion }}}}.json",
    ]


def closed(schema: Any) -> Any:
    """Refuse fields that nobody knows, as a cluster would with --validate=strict."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(each) for name, each in schema.items()}
    if (
        "properties" in made
        and "additionalProperties" not in made
        and "x-kubernetes-preserve-unknown-fields" not in made
    ):
        made["properties"].setdefault("apiVersion", {})
        made["properties"].setdefault("kind", {})
        if "metadata" in made["properties"]:
            made["properties"]["metadata"] = {"type": "object"}
        made["additionalProperties"] = False
    return made


@pytest.mark.parametrize("case", CASES)
def test_helm_lints_it_strictly(case: str) -> None:
    """Without a warning."""
    done = helm("lint", "--strict", CHART, "-f", values_of(case))
    assert (done.returncode, "WARN" in done.stdout) == (0, False), done.stdout


@pytest.mark.parametrize("case", CASES)
def test_every_manifest_is_what_its_schema_says(case: str, schemas: list[str]) -> None:
    """Those of Kubernetes, of the Prometheus operator, of KEDA and of Strimzi; unknown fields are refused."""
    locations = [part for each in schemas for part in ("-schema-location", each)]
    done = subprocess.run(
        [program("kubeconform"), "-strict", "-summary", *locations],
        input=text_of(case),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Skipped: 0" in done.stdout


@pytest.mark.parametrize("case", CASES)
def test_pods_are_restricted(case: str) -> None:
    """As the restricted Pod Security standard asks, and with nothing that they do not need."""
    pods = [workload(case)["spec"]["template"]["spec"], one(case, "Pod")["spec"]]
    for pod in pods:
        assert pod["automountServiceAccountToken"] is False
        security = pod["securityContext"]
        assert (security["runAsNonRoot"], security["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
        assert security["runAsUser"] > 0
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
        assert not any("hostPath" in volume for volume in pod.get("volumes", ()))


@pytest.mark.parametrize("case", CASES)
def test_the_service_understands_the_settings(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ConfigMap and the environment of the pod, read back by the service's own model."""
    configs = {each["metadata"]["name"]: each for each in manifests(case) if each["kind"] == "ConfigMap"}
    [text] = [each["data"]["config.yaml"] for each in configs.values() if "config.yaml" in each["data"]]
    (tmp_path / "config.yaml").write_text(text)
    container = workload(case)["spec"]["template"]["spec"]["containers"][0]
    for variable in container["env"]:
        if variable["name"].startswith("SCICAT_INGEST_") and variable["name"] != "SCICAT_INGEST_CONFIG":
            monkeypatch.setenv(variable["name"], variable.get("value", "ingest-0"))
    settings = load_settings(Settings, tmp_path / "config.yaml")
    given = yaml.safe_load(values_of(case).read_text())["config"]
    assert settings.kafka.bootstrap_servers == given["kafka"]["bootstrap_servers"]
    assert (settings.ops.host, settings.ops.port) == ("0.0.0.0", 8080)  # noqa: S104


def test_mapping_files_are_mapping_files(tmp_path: Path) -> None:
    """What is mounted can be loaded."""
    [mounted] = [each for each in manifests("gpfs") if each["metadata"]["name"] == "ingest-ess-mappings"]
    for name, text in mounted["data"].items():
        (tmp_path / name).write_text(text)
    assert [mapping.name for mapping in load_mappings(tmp_path)] == ["odin"]


@pytest.mark.parametrize("case", CASES)
def test_volumes_and_mounts_belong_together(case: str) -> None:
    """Each volume is mounted, each mount has its volume; secrets and data are read-only."""
    pod = workload(case)["spec"]["template"]["spec"]
    mounts = pod["containers"][0]["volumeMounts"]
    assert {mount["name"] for mount in mounts} == {volume["name"] for volume in pod["volumes"]}
    writable = {mount["name"] for mount in mounts if not mount.get("readOnly")}
    assert writable <= {"tmp", "extra"}
    folders = [mount["mountPath"] for mount in mounts]
    files = [each["value"] for each in pod["containers"][0]["env"] if each["name"].endswith("_FILE")]
    assert all(any(path.startswith(f"{folder}/") for folder in folders) for path in files)


@pytest.mark.parametrize("case", CASES)
def test_selectors_are_those_of_every_release(case: str) -> None:
    """Else an upgrade would fail."""
    assert workload(case)["spec"]["selector"]["matchLabels"] == SELECTORS
    assert one(case, "Service")["spec"]["selector"] == SELECTORS
    labels = workload(case)["spec"]["template"]["metadata"]["labels"]
    assert SELECTORS.items() <= labels.items()


def test_a_test_pod_is_not_selected() -> None:
    """Else the service would send questions to it."""
    labels = one("plain", "Pod")["metadata"]["labels"]
    assert not SELECTORS.items() <= labels.items()


@pytest.mark.parametrize("case", CASES)
def test_no_secret_is_written_down(case: str) -> None:
    """There is no Secret, and no manifest has a password."""
    assert not [each for each in manifests(case) if each["kind"] == "Secret"]
    assert not re.search(r"(?im)^\s*(password|token|sasl_password):", text_of(case))


def test_static_membership_gives_each_replica_its_name() -> None:
    """Only a StatefulSet's pods keep theirs."""
    container = workload("gpfs")["spec"]["template"]["spec"]["containers"][0]
    [name] = [each for each in container["env"] if each["name"].endswith("GROUP_INSTANCE_ID")]
    assert name["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert "GROUP_INSTANCE_ID" not in text_of("gpfs", "--set", "workload.staticMembership=false")
    assert "GROUP_INSTANCE_ID" not in text_of("plain")


def test_keda_decides_on_replicas_alone() -> None:
    """Every input topic is a trigger; nobody else says how many."""
    assert "replicas" not in workload("keda")["spec"]
    scaled = one("keda", "ScaledObject")["spec"]
    assert [trigger["metadata"]["topic"] for trigger in scaled["triggers"]] == [
        "odin.acquisitions",
        "loki.acquisitions",
    ]
    assert {trigger["metadata"]["consumerGroup"] for trigger in scaled["triggers"]} == {"ingest"}
    assert scaled["minReplicaCount"] >= 1


def test_strimzi_makes_topics_that_lose_nothing_and_a_user_with_few_rights() -> None:
    """Inputs 30 days, answers a year, dead letters for ever; names that Kubernetes takes."""
    topics = {each["spec"]["topicName"]: each for each in manifests("strimzi") if each["kind"] == "KafkaTopic"}
    kept = {name: each["spec"]["config"]["retention.ms"] for name, each in topics.items()}
    assert kept == {
        "scicat.acquisitions": 30 * 86_400_000,
        "scicat.ingested": 365 * 86_400_000,
        "scicat.dead_letters": -1,
    }
    assert all(re.fullmatch(r"[a-z0-9.-]+", each["metadata"]["name"]) for each in topics.values())
    acls = one("strimzi", "KafkaUser")["spec"]["authorization"]["acls"]
    assert {acl["resource"].get("name") for acl in acls} == {
        "scicat-ingest",
        *topics,
        "scicat-ingest.dlq.scicat.dead_letters",
        None,
    }
    assert not any({"All", "Alter", "Delete"} & set(acl["operations"]) for acl in acls)


def test_prometheus_gets_the_rules_with_the_runbooks_of_the_house() -> None:
    """The same rules that are tested by promtool."""
    rules = one("scram", "PrometheusRule")["spec"]["groups"]
    whole = yaml.safe_load((CHART / "files" / "rules.yaml").read_text())["groups"]
    assert [group["name"] for group in rules] == [group["name"] for group in whole]
    assert "scicat-ingest.example" not in json.dumps(rules)
    assert "https://wiki.example.org/runbooks/ScicatIngestStalled.md" in json.dumps(rules)
    boards = [each for each in manifests("scram") if "dashboard" in each["metadata"]["name"]]
    assert len(boards) == 2
    assert all(json.loads(text)["panels"] for board in boards for text in board["data"].values())


def test_a_changed_setting_restarts_the_pods() -> None:
    """Settings are read at start."""

    def checksum(*more: str) -> str:
        annotations = workload("plain", *more)["spec"]["template"]["metadata"]["annotations"]
        return str(annotations["checksum/config"])

    assert checksum() != checksum("--set", "config.limits.requests_per_second=5")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("config.kafka.bootstrap_server=x", "/config/kafka"),
        ("config.limits.max_concurrency=0", "/config/limits/max_concurrency"),
        ("replicas=3", "additional properties 'replicas' not allowed"),
        ("workload.kind=DaemonSet", "/workload/kind"),
        ("workload.terminationGracePeriodSeconds=10", "terminationGracePeriodSeconds"),
        ("config.scicat.password=x", "use secrets.scicat.existingSecret"),
        ("config.kafka.sasl_password=x", "use secrets.kafka.existingSecret"),
        ("config.registry.password=x", "use secrets.registry.existingSecret"),
        ("config.mapping.pid_prefix=", "config.mapping.pid_prefix"),
        ("config.scicat.url=null", "config.scicat.url"),
        ("image.digest=latest", "/image/digest"),
    ],
)
def test_wrong_values_are_refused_with_what_is_wrong(wrong: str, said: str) -> None:
    """By their place, or by what to do."""
    assert said in refusal("--set", wrong)


def test_every_value_is_used() -> None:
    """By a template; and every value has a description, or is a group."""
    templates = "\n".join(path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    unused = [name for name in values if f".Values.{name}" not in templates and f"Values.{name}." not in templates]
    assert unused == []
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert values.keys() | {"global"} == schema["properties"].keys()


def test_every_setting_can_be_given() -> None:
    """`config` is the settings tree, whole."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert schema["properties"]["config"]["properties"].keys() == Settings.model_fields.keys()


def test_versions_agree() -> None:
    """Of chart, application and package; and the pod runs that one."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == chart["version"] == __version__
    image = workload("plain")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == f"scicat-ingest:{__version__}"


def test_the_readme_is_current(tmp_path: Path) -> None:
    """If this fails, run `make docs-chart`."""
    copy = tmp_path / "scicat-ingest"
    copy.mkdir()
    for name in ("Chart.yaml", "values.yaml", "README.md.gotmpl"):
        (copy / name).write_text((CHART / name).read_text())
    done = subprocess.run(
        [program("helm-docs"), "-c", copy, "-s", "file"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (copy / "README.md").read_text() == (CHART / "README.md").read_text()


def test_the_dockerfile_is_clean() -> None:
    """By hadolint."""
    done = subprocess.run(
        [program("hadolint"), CHART.parents[1] / "Dockerfile"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
