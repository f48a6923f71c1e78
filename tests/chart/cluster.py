"""A real API server on this machine: no nodes, no controllers (tests/tools/apiserver)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml
from tests.chart.definitions import definitions
from tests.tools.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Manifest = dict[str, Any]
PATIENCE_SECONDS = 120


class Cluster:
    """What one can do with it: kubectl, helm."""

    def __init__(self, folder: Path) -> None:
        self._environment = {**os.environ, "KUBECONFIG": str(folder / "kubeconfig"), "HELM_CACHE_HOME": str(folder)}

    def kubectl(self, *arguments: str | Path, said: str | None = None) -> subprocess.CompletedProcess[str]:
        return self._run("kubectl", *arguments, said=said)

    def helm(self, *arguments: str | Path) -> str:
        done = self._run("helm", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, kind: str, name: str, namespace: str) -> Manifest:
        done = self.kubectl("get", kind, name, "--namespace", namespace, "--output", "json")
        assert done.returncode == 0, done.stderr
        found: Manifest = json.loads(done.stdout)
        return found

    def add_namespace(self, name: str) -> None:
        """Whose pods must be restricted, or are refused."""
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})

    def create(self, *documents: Manifest) -> None:
        done = self.kubectl("create", "-f", "-", said=yaml.safe_dump_all(documents))
        assert done.returncode == 0, done.stderr

    def _run(self, name: str, *arguments: str | Path, said: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program(name), *arguments],
            input=said,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
            env=self._environment,
        )


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Start it, with the custom resources that the chart uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program("kube-apiserver"), folder, str(port)], stdout=log, stderr=log)
    try:
        cluster = Cluster(folder)
        _wait_until_ready(cluster, server, folder / "log")
        cluster.create(*definitions())
        waited = cluster.kubectl("wait", "--for=condition=established", "--timeout=60s", "crd", "--all")
        assert waited.returncode == 0, waited.stderr
        yield cluster
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_ready(cluster: Cluster, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while cluster.kubectl("get", "--raw=/readyz").returncode != 0:
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.2)
