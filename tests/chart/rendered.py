"""The chart, rendered by helm itself."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from tests.tools.programs import program

CHART = Path(__file__).parents[2] / "helm" / "scicat-ingest"
CASES = sorted(path.stem.removesuffix("-values") for path in (CHART / "ci").glob("*-values.yaml"))

Manifest = dict[str, Any]


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program("helm"), *arguments], capture_output=True, text=True, timeout=60, check=False)


def values_of(case: str) -> Path:
    return CHART / "ci" / f"{case}-values.yaml"


@cache
def text_of(case: str, *more: str) -> str:
    done = helm("template", "ingest", CHART, "--namespace", "ns", "-f", values_of(case), *more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def manifests(case: str, *more: str) -> list[Manifest]:
    return [each for each in yaml.safe_load_all(text_of(case, *more)) if each]


def one(case: str, kind: str, *more: str) -> Manifest:
    [found] = [each for each in manifests(case, *more) if each["kind"] == kind]
    return found


def workload(case: str, *more: str) -> Manifest:
    [found] = [each for each in manifests(case, *more) if each["kind"] in ("Deployment", "StatefulSet")]
    return found


def refusal(*arguments: str) -> str:
    """Give what helm says to values that it does not take."""
    done = helm("template", "ingest", CHART, "-f", values_of("plain"), *arguments)
    assert done.returncode != 0, "they are taken"
    return done.stderr
