"""`scicat-ingest doctor`, as people and scripts see it, without a Kafka."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.unit.doctor.examined import MAPPING

from scicat_ingest.cli import doctor, main
from scicat_ingest.doctor.report import step_lines
from scicat_ingest.testing.stand_in import StandInThread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scicat_ingest.doctor.step import Step


def written(folder: Path, **groups: Any) -> str:
    path = folder / "ingest.yaml"
    path.write_text(yaml.safe_dump({"mapping": MAPPING, "kafka": {"bootstrap_servers": "127.0.0.1:9"}} | groups))
    return str(path)


def test_json_is_one_object_on_standard_output_and_the_progress_goes_to_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SciCat is asked although Kafka is away; 1 as something failed; no secret in either stream."""
    with StandInThread() as stand_in:
        account = stand_in.account("ingestor")
        scicat = {"url": stand_in.url, "username": account.username, "password": account.password}
        assert main(["doctor", "--config", written(tmp_path, scicat=scicat), "--json"]) == 1
    output = capsys.readouterr()
    said = json.loads(output.out)
    steps = {step["name"]: step["status"] for step in said["steps"]}
    assert not said["ok"]
    assert (steps["scicat login"], steps["kafka reachable"], steps["kafka group"]) == ("ok", "failed", "skipped")
    assert {left["kind"] for left in said["left_behind"]} == {"dataset", "origdatablock", "attachment"}
    assert output.err.startswith("step ")
    for part in (account.password, "eyJ"):
        assert part not in output.out + output.err


@pytest.fixture
def _heeds_ctrl_c() -> Iterator[None]:
    """As in a terminal; a job in the background ignores it, and so would what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_heeds_ctrl_c")
def test_ctrl_c_still_cleans_up_and_names_what_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """130, and the last line is the clean-up's."""

    def interrupt(step: Step, width: int) -> str:
        if step.name == "scicat attachment":
            signal.raise_signal(signal.SIGINT)
        return step_lines(step, width)

    monkeypatch.setattr(doctor, "step_lines", interrupt)
    with StandInThread() as stand_in:
        account = stand_in.account("admin")
        scicat = {"url": stand_in.url, "username": account.username, "password": account.password}
        assert main(["doctor", "--config", written(tmp_path, scicat=scicat)]) == 130
        pid = next(iter(stand_in.store.all("Dataset")))["pid"]
    said = capsys.readouterr().out
    assert pid in said.partition("scicat clean-up")[2]
    assert "kafka" not in said


@pytest.mark.parametrize(
    ("groups", "word"),
    [
        ({"scicat": {}}, "scicat.url is not set"),
        ({"scicat": {"url": "http://127.0.0.1:9"}}, "no credentials"),
        ({"scicat": {"url": "http://127.0.0.1:9", "token": "t", "ca_file": "/none"}}, "scicat.ca_file"),
        ({"scicat": {"url": "http://127.0.0.1:9", "token": "t"}, "kafka": {}}, "kafka.bootstrap_servers"),
        ({"mapping": MAPPING | {"owner_group": "{nothing}"}}, "mapping.owner_group"),
        ({"mapping": {}}, "mapping.pid_prefix"),
    ],
)
def test_wrong_settings_end_with_78_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], groups: dict[str, Any], word: str
) -> None:
    """They are told as `run` tells them."""
    assert main(["doctor", "--config", written(tmp_path, **groups)]) == 78
    output = capsys.readouterr()
    assert output.out == ""
    assert word in output.err


@pytest.mark.parametrize("count", ["0", "many"])
def test_a_number_of_replicas_that_is_none_is_wrong_usage(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2."""
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--replicas", count])
    assert ended.value.code == 2
    assert "expected a number from 1" in capsys.readouterr().err
