"""What the chart makes of values, for every case in ci/."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.chart.definitions import definitions
from tests.chart.rendered import CASES, CHART, helm, manifests, one, text_of, values_of, workload
from tests.tools.programs import FETCHED, program

from scicat_ingest import __version__
from scicat_ingest.settings import Settings, load_settings
from scicat_ingest.translate.mappings import load_mappings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.tools

SCHEMAS = FETCHED.parent / "lib" / "schemas"
SELECTORS = {"app.kubernetes.io/name": "scicat-ingest", "app.kubernetes.io/instance": "ingest"}
"""Of every release so far: a Deployment's selector cannot be changed by an upgrade."""


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Where kubeconform finds its schemas: those of custom resources are made of their definitions."""
    assert SCHEMAS.exists(), "run `make tools`"
    folder = tmp_path_factory.mktemp("schemas")
    for definition in definitions():
        for version in definition["spec"]["versions"]:
            name = f"{definition['spec']['names']['singular']}-{version['name']}.json"
            (folder / name).write_text(json.dumps(closed(version["schema"]["openAPIV3Schema"])))
    return [
        f"{SCHEMAS}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json",
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
        made["properties"].setdefault("metadata", {"type": "object"})
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


def test_strimzi_is_spoken_to_in_the_version_that_it_knows() -> None:
    """v1 in a cluster that has it, v1beta2 in an older one, or the one that is told."""
    versions = {
        (): "v1",
        ("--api-versions", "kafka.strimzi.io/v1beta2"): "v1beta2",
        ("--api-versions", "kafka.strimzi.io/v1beta2", "--api-versions", "kafka.strimzi.io/v1"): "v1",
        ("--set", "strimzi.apiVersion=v1beta2"): "v1beta2",
    }
    for arguments, version in versions.items():
        assert one("strimzi", "KafkaUser", *arguments)["apiVersion"] == f"kafka.strimzi.io/{version}"


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
    given = Settings.model_validate(yaml.safe_load(values_of(case).read_text())["config"])
    from_environment = {
        "ops": {"host"},
        "scicat": {"token_file", "password_file", "ca_file"},
        "registry": {"password_file"},
    }
    of_kafka = {"sasl_password_file", "ca_file", "cert_file", "key_file", "group_instance_id"}
    apart = {**from_environment, "kafka": of_kafka, "mapping": {"folder"}}
    assert settings.model_dump(exclude=apart) == given.model_dump(exclude=apart)
    assert settings.ops.host in ("0.0.0.0", given.ops.host)  # noqa: S104
    assert container["ports"][0]["containerPort"] == settings.ops.port


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
    services = [each for each in manifests(case) if each["kind"] == "Service"]
    assert all(each["spec"]["selector"] == SELECTORS for each in services)
    labels = workload(case)["spec"]["template"]["metadata"]["labels"]
    assert SELECTORS.items() <= labels.items()


def test_a_test_pod_is_not_selected() -> None:
    """Else the service would send questions to it; but the network policy lets it ask."""
    labels = one("scram", "Pod")["metadata"]["labels"]
    assert not SELECTORS.items() <= labels.items()
    [rule] = one("scram", "NetworkPolicy")["spec"]["ingress"]
    assert [each["podSelector"]["matchLabels"] for each in rule["from"] if "podSelector" in each] == [
        {name: labels[name] for name in SELECTORS}
    ]


def test_the_service_keeps_its_address_whatever_the_workload() -> None:
    """An address cannot be taken from a Service by an upgrade; a StatefulSet has one of its own for its pods' names."""
    service, pods = [each for each in manifests("gpfs") if each["kind"] == "Service"]
    assert "clusterIP" not in service["spec"]
    assert pods["spec"]["clusterIP"] == "None"
    assert workload("gpfs")["spec"]["serviceName"] == pods["metadata"]["name"]


@pytest.mark.parametrize("kind", ["persistentVolumeClaim", "nfs", "csi"])
def test_data_is_read_only_for_the_node_too(kind: str) -> None:
    """Else a kubelet would give our group to all files of a facility."""
    pod = workload("gpfs", "--set-json", f'data=[{{"name":"d","mountPath":"/d","volume":{{"{kind}":{{"x":"y"}}}}}}]')
    [volume] = [each for each in pod["spec"]["template"]["spec"]["volumes"] if each["name"] == "data-d"]
    assert volume[kind] == {"x": "y", "readOnly": True}


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
    assert {trigger["metadata"]["version"] for trigger in scaled["triggers"]} == {"2.1.0"}


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


def checksum(case: str, *more: str) -> str:
    return str(workload(case, *more)["spec"]["template"]["metadata"]["annotations"]["checksum/config"])


def test_a_changed_setting_restarts_the_pods() -> None:
    """Settings are read at start, and nothing else changes them."""
    assert checksum("plain") != checksum("plain", "--set", "config.limits.requests_per_second=5")
    assert checksum("plain") == checksum("plain", "--set", "podLabels.team=data")


def test_a_changed_mapping_restarts_the_pods_unless_it_is_taken_while_running() -> None:
    """With mapping.reload the service looks for itself, and takes it only if its examples pass."""
    changed = ("--set", "mappings.files.odin\\.yaml=name: other")
    assert checksum("gpfs") == checksum("gpfs", *changed)
    off = ("--set", "config.mapping.reload=off")
    assert checksum("gpfs", *off) != checksum("gpfs", *off, *changed)


def test_versions_agree() -> None:
    """Of chart, application, package, changelog and the images in the docs; and the pod runs that one."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == chart["version"] == __version__
    image = workload("plain")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == f"scicat-ingest:{__version__}"
    root = CHART.parents[1]
    [changed, *_] = re.findall(r"(?m)^## (\S+)", (root / "CHANGELOG.md").read_text())
    assert changed == __version__
    named = {
        version
        for page in [root / "README.md", *(root / "docs").glob("*.md")]
        for version in re.findall(r"scicat-ingest[:-](\d+\.\d+\.\d+)", page.read_text())
    }
    assert named == {__version__}


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
