"""The image as a cluster runs it: read-only, as nobody in particular, with no rights; on a real Kafka."""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest
from tests.integration.harness import (
    assert_each_is_there_once,
    at_least,
    committed_offsets,
    event,
    many,
    read_outcomes,
    send,
    sources_of,
)

from scicat_ingest import __version__
from scicat_ingest.consume.topics import prepare_topics

if TYPE_CHECKING:
    from tests.integration.harness import Site

pytestmark = [pytest.mark.anyio, pytest.mark.image]

IMAGE = "localhost/scicat-ingest:test"
"""Built by tests/image/build (`make test-image`)."""
ROOT = Path(__file__).parents[2]
PODMAN = ("podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs")
RESTRICTED = (
    *("--network", "host", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"),
    *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "all", "--security-opt", "no-new-privileges"),  # noqa: S108
)
PATIENCE_SECONDS = 60


def podman(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PODMAN, *arguments], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


def inspected(template: str) -> str:
    done = podman("image", "inspect", "--format", template, IMAGE)
    assert done.returncode == 0, f"{done.stderr}: run tests/image/build"
    return done.stdout.strip()


def test_the_image_is_what_a_cluster_expects() -> None:
    """A numeric user, an entrypoint that gets the signals, the version on the label."""
    assert inspected("{{.Config.User}}") == "10001:10001"
    assert inspected("{{json .Config.Entrypoint}}") == '["scicat-ingest"]'
    assert inspected("{{.Config.StopSignal}}") in ("SIGTERM", "15")
    assert inspected('{{index .Config.Labels "org.opencontainers.image.version"}}') == __version__
    said = podman("run", "--rm", *RESTRICTED, IMAGE, "--version")
    assert (said.returncode, said.stdout) == (0, f"scicat-ingest {__version__}\n"), said.stderr


def test_nothing_in_it_compiles_or_installs() -> None:
    """Neither a compiler nor uv nor pip, not even the base's; every optional format is there."""
    script = "for each in gcc cc make uv pip pip3; do command -v $each; done; python3 -m ensurepip --version; id -u"
    said = podman("run", "--rm", *RESTRICTED, "--entrypoint", "/bin/sh", IMAGE, "-c", script)
    assert said.stdout == "10001\n"
    assert "No module named ensurepip" in said.stderr
    wanted = "import h5py, matplotlib, PIL, msgpack, streaming_data_types, fastavro, google.protobuf, opentelemetry"
    done = podman("run", "--rm", *RESTRICTED, "--entrypoint", "python", IMAGE, "-c", wanted)
    assert (done.returncode, done.stderr) == (0, "")


def installed() -> dict[str, str]:
    script = (
        "import json, importlib.metadata as m; print(json.dumps({d.name.lower().replace('_', '-').replace('.', '-'): "
        "d.version for d in m.distributions()}))"
    )
    said = podman("run", "--rm", *RESTRICTED, "--entrypoint", "python", IMAGE, "-c", script)
    assert said.returncode == 0, said.stderr
    found: dict[str, str] = json.loads(said.stdout)
    return found


def test_it_holds_what_is_pinned_and_its_bill_of_materials_says_so(tmp_path: Path) -> None:
    """Nothing besides; the SBOM is made from the image and has the distribution's packages too."""
    pinned = set(re.findall(r"(?m)^([a-z0-9-]+)==([^ ]+)", (ROOT / "requirements" / "image.txt").read_text()))
    found = installed()
    assert set(found.items()) - {("scicat-ingest", __version__)} <= pinned
    command: list[str | Path] = [ROOT / "tests" / "image" / "sbom", tmp_path / "sbom.json", IMAGE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    sbom = json.loads((tmp_path / "sbom.json").read_text())
    assert sbom["metadata"]["component"]["version"] == __version__
    purls = {each["purl"] for each in sbom["components"] if "purl" in each}
    wanted = {f"pkg:pypi/{name}@{version}" for name, version in found.items() if name != "scicat-ingest"}
    assert wanted <= {purl.lower() for purl in purls}
    assert any(purl.startswith("pkg:deb/debian/libc6@") for purl in purls)


def test_its_size_is_what_the_docs_say() -> None:
    """Within a tenth, so that nobody publishes an old number."""
    [said] = re.findall(r"Size there: (\d+) MB", (ROOT / "docs" / "image.md").read_text())
    assert int(inspected("{{.Size}}")) / 1e6 == pytest.approx(int(said), rel=0.1)


class Container:
    """The image, running with the site's settings."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.name = f"scicat-ingest-{uuid.uuid4().hex[:8]}"
        config = site.write(folder)
        folder.chmod(0o755)
        config.chmod(0o644)
        self._log = folder / "log"
        mounted = f"{config}:/etc/scicat-ingest/config.yaml:ro"
        arguments = ("run", "--name", self.name, *RESTRICTED, "-v", mounted, IMAGE)
        command = [*PODMAN, *arguments, "run", "--config", "/etc/scicat-ingest/config.yaml", "--create-topics"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def said(self) -> str:
        return self._log.read_text()

    def end(self, signal: str = "TERM") -> int:
        """Send the signal; gives the exit code."""
        assert podman("kill", "--signal", signal, self.name).returncode == 0
        return self._process.wait(PATIENCE_SECONDS)

    def remove(self) -> None:
        podman("rm", "--force", self.name)
        self._process.wait(PATIENCE_SECONDS)


async def test_it_ingests_drains_at_sigterm_and_ends_with_0(site: Site, tmp_path: Path) -> None:
    """Its root is read-only and it has no capability; what it did is committed."""
    container = Container(site, tmp_path)
    try:
        with anyio.fail_after(PATIENCE_SECONDS):
            while "ready" not in container.said:  # noqa: ASYNC110 (another process writes it)
                await anyio.sleep(0.2)
        await send(site, [(b"run-1", event()), (b"bad", b"{")])
        outcomes = await read_outcomes(site, at_least(2))
        assert {dict(each.headers)["ce_type"] for each in outcomes} == {
            b"scicat.dataset.ingested.v1",
            b"scicat.acquisition.dead-letter.v1",
        }
        assert json.loads(next(each.value for each in outcomes if b"verdict" in each.value))["verdict"] == "created"
        assert await anyio.to_thread.run_sync(container.end) == 0, container.said
        assert sum((await committed_offsets(site)).values()) == 2
    finally:
        await anyio.to_thread.run_sync(container.remove)


async def test_killed_and_drained_in_the_middle_it_loses_and_doubles_nothing(site: Site, tmp_path: Path) -> None:
    """300 events; one container is killed, the next one drained, the third does the rest."""
    await prepare_topics(site.settings, create=True)
    sent = await send(site, many(300))
    for number, (answered, signal, code) in enumerate([(50, "KILL", 137), (150, "TERM", 0), (300, "TERM", 0)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        container = Container(site, folder)
        try:
            outcomes = await read_outcomes(site, at_least(answered))
            assert await anyio.to_thread.run_sync(container.end, signal) == code, container.said
        finally:
            await anyio.to_thread.run_sync(container.remove)
    assert set(sources_of(outcomes)) == set(sent)
    assert_each_is_there_once(site.stand_in, 300)
    assert sum((await committed_offsets(site)).values()) == 300
