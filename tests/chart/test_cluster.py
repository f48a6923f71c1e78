"""The chart in a real API server: what it takes, and what an upgrade and a rollback leave behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.chart.cluster import Cluster, running_cluster
from tests.chart.rendered import CASES, CHART, manifests, text_of, values_of, workload

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.tools

NAME = "ingest-scicat-ingest"
AS_STATEFUL_SET = ("--set", "workload.kind=StatefulSet")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as found:
        found.add_namespace("ns")
        yield found


@pytest.mark.parametrize("case", CASES)
def test_it_takes_every_case_strictly_and_without_a_warning(case: str, cluster: Cluster) -> None:
    """Unknown and doubled fields are refused, deprecated ones and pods that are not restricted are warned of."""
    done = cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", said=text_of(case))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("created (server dry run)") == len(manifests(case))


@pytest.mark.parametrize("case", CASES)
def test_its_pods_are_admitted_where_only_restricted_ones_are(case: str, cluster: Cluster) -> None:
    """As the controllers would make them, with all containers and volumes."""
    template = workload(case)["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    pod["metadata"] = {**template["metadata"], "name": "pod", "namespace": "ns"}
    pod["spec"] = {name: value for name, value in pod["spec"].items() if name != "priorityClassName"}
    done = cluster.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", said=yaml.safe_dump(pod))
    assert (done.returncode, done.stderr) == (0, "")


def test_it_would_refuse_what_is_wrong(cluster: Cluster) -> None:
    """An unknown field of Kubernetes and of an operator's, and a pod with rights: the checks above check something."""

    def refusal(text: str) -> str:
        done = cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", said=text)
        return done.stderr

    assert 'unknown field "spec.replica"' in refusal(text_of("plain").replace("  replicas:", "  replica:"))
    assert 'unknown field "spec.maxReplicas"' in refusal(text_of("keda").replace("maxReplicaCount", "maxReplicas"))
    assert 'violates PodSecurity "restricted' in refusal(text_of("plain").replace("drop:", "add:"))


def installed(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """Give what is there of the release, without what the server itself wrote."""
    kinds = "deployments,statefulsets,services,configmaps,serviceaccounts,poddisruptionbudgets,networkpolicies"
    custom = "podmonitors,prometheusrules,scaledobjects,kafkatopics,kafkausers"
    selector = "app.kubernetes.io/instance=ingest"
    done = cluster.kubectl("get", f"{kinds},{custom}", "-n", namespace, "-l", selector, "-o", "json")
    assert done.returncode == 0, done.stderr
    return {
        f"{each['kind']}/{each['metadata']['name']}": {
            name: value for name, value in each.items() if name in ("spec", "data")
        }
        for each in json.loads(done.stdout)["items"]
    }


@pytest.mark.parametrize("case", CASES)
def test_an_upgrade_goes_through_and_a_rollback_goes_back(case: str, cluster: Cluster) -> None:
    """From the least to every case and back: nothing in them cannot be changed, and nothing stays behind."""
    namespace = f"upgrade-{case}"
    cluster.add_namespace(namespace)
    here = ("--namespace", namespace)
    cluster.helm("install", "ingest", CHART, *here, "-f", values_of("plain"))
    before = installed(cluster, namespace)
    address = cluster.get("service", NAME, namespace)["spec"]["clusterIP"]
    cluster.helm("upgrade", "ingest", CHART, *here, "-f", values_of(case), "--set", "fullnameOverride=")
    after = installed(cluster, namespace)
    assert (after == before) == (case == "plain")
    assert cluster.get("service", NAME, namespace)["spec"]["clusterIP"] == address
    cluster.helm("rollback", "ingest", "1", *here)
    assert installed(cluster, namespace) == before
    cluster.helm("uninstall", "ingest", *here)
    assert installed(cluster, namespace) == {}


def test_two_releases_live_in_one_namespace(cluster: Cluster) -> None:
    """One per instrument account: nothing of theirs has the same name, and neither selects the other's pods."""
    cluster.add_namespace("two")
    names = ["odin", "l" + 51 * "o" + "g"]  # as long as helm takes them
    for name in names:
        cluster.helm("install", name, CHART, "--namespace", "two", "-f", values_of("scram"))
        cluster.helm("upgrade", name, CHART, "--namespace", "two", "-f", values_of("scram"), *AS_STATEFUL_SET)
    done = cluster.kubectl("get", "statefulsets", "-n", "two", "-o", "json")
    selectors = [each["spec"]["selector"]["matchLabels"] for each in json.loads(done.stdout)["items"]]
    assert {each["app.kubernetes.io/instance"] for each in selectors} == set(names)
