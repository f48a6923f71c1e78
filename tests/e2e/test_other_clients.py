"""Proof by other people's clients: what the service ingested can be read, and its files downloaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from pyscicat.client import ScicatClient  # type: ignore[import-untyped]
from scicat_sdk_py.api.attachments_v4_api import AttachmentsV4Api
from scicat_sdk_py.api.auth_api import AuthApi
from scicat_sdk_py.api.datasets_api import DatasetsApi
from scicat_sdk_py.api.datasets_v4_api import DatasetsV4Api
from scicat_sdk_py.api.origdatablocks_v4_api import OrigdatablocksV4Api
from scicat_sdk_py.api_client import ApiClient
from scicat_sdk_py.configuration import Configuration
from scicat_sdk_py.models.credentials_dto import CredentialsDto
from scitacean import Client, IntegrityError
from scitacean.transfer.copy import CopyFileTransfer
from tests.e2e.conftest import CONTENTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.conftest import Ingested


class TestPyscicat:
    """pyscicat 0.4."""

    @pytest.fixture
    def client(self, ingested: Ingested) -> ScicatClient:
        return ScicatClient(
            f"{ingested.url}/api/v3", username=ingested.account.username, password=ingested.account.password
        )

    def test_it_reads_the_dataset(self, client: ScicatClient, ingested: Ingested) -> None:
        """By pid, with its metadata, groups and totals."""
        dataset = client.datasets_get_one(ingested.plan.pid)
        assert dataset["datasetName"] == "Fe3O4 at 5 K"
        assert dataset["ownerGroup"] == "p1001"
        assert dataset["sourceFolder"] == str(ingested.folder)
        assert dataset["numberOfFiles"] == len(CONTENTS)
        assert dataset["size"] == sum(map(len, CONTENTS.values()))
        assert dataset["scientificMetadata"]["temperature"]["value"] == 5
        assert dataset["scientificMetadata"]["ingest"]["acquisitionId"] == "odin-000042"

    def test_it_finds_the_dataset_among_others(self, client: ScicatClient, ingested: Ingested) -> None:
        """By a field of it."""
        for found in (
            client.datasets_get_many({"datasetName": "Fe3O4 at 5 K", "type": "raw"}),
            client.datasets_find(query_fields={"proposalIds": ["p1001"], "type": "raw"}),
        ):
            assert [dataset["pid"] for dataset in found] == [ingested.plan.pid]

    def test_it_reads_the_files(self, client: ScicatClient, ingested: Ingested) -> None:
        """Paths relative to the source folder, sizes and checksums."""
        (block,) = client.datasets_origdatablocks_get_one(ingested.plan.pid)
        assert block["chkAlg"] == "sha256"
        assert {file["path"]: file["size"] for file in block["dataFileList"]} == {
            name: len(content) for name, content in CONTENTS.items()
        }

    def test_its_session_reads_the_attachments(self, client: ScicatClient, ingested: Ingested) -> None:
        """It has no call of its own for them."""
        path = f"Datasets/{quote(ingested.plan.pid, safe='')}/attachments"
        found = client._call_endpoint("get", path)
        assert sorted(attachment["caption"] for attachment in found) == ["first frame", "last frame"]


class TestScitacean:
    """scitacean 26."""

    @pytest.fixture
    def client(self, ingested: Ingested) -> Client:
        return Client.from_credentials(
            url=f"{ingested.url}/api/v3",
            username=ingested.account.username,
            password=ingested.account.password,
            file_transfer=CopyFileTransfer(),
            allow_http=True,
        )

    def test_it_reads_the_dataset_by_its_strict_model(self, client: Client, ingested: Ingested) -> None:
        """All fields, with the attachments."""
        dataset = client.get_dataset(ingested.plan.pid, strict_validation=True, attachments=True)
        assert dataset.name == "Fe3O4 at 5 K"
        assert dataset.owner_group == "p1001"
        assert dataset.meta["temperature"]["unit"] == "K"
        assert dataset.attachments is not None
        assert sorted(attachment.caption for attachment in dataset.attachments) == ["first frame", "last frame"]
        thumbnail = ingested.event["attachments"][0]["thumbnail"]
        shown = [attachment.thumbnail for attachment in dataset.attachments]
        assert [picture and picture.serialize() for picture in shown] == [thumbnail, thumbnail]

    def test_it_downloads_the_files_and_their_checksums_are_right(
        self, client: Client, ingested: Ingested, tmp_path: Path
    ) -> None:
        """Every file, below the folder that it was in."""
        dataset = client.get_dataset(ingested.plan.pid)
        here = tmp_path / "here"
        downloaded = client.download_files(dataset, target=here)
        assert {file.remote_path.posix for file in downloaded.files} == set(CONTENTS)
        assert {file.local_path.read_bytes() for file in downloaded.files if file.local_path} == set(CONTENTS.values())

    def test_it_notices_a_file_that_was_changed(self, client: Client, ingested: Ingested, tmp_path: Path) -> None:
        """The checksum test is a real one."""
        file = ingested.folder / "run.nxs"
        file.write_bytes(file.read_bytes()[::-1])
        dataset = client.get_dataset(ingested.plan.pid)
        with pytest.raises(IntegrityError):
            client.download_files(dataset, target=tmp_path / "here")

    def test_it_reads_the_derived_dataset_and_what_it_was_made_from(self, client: Client, ingested: Ingested) -> None:
        """A producer that knows only the acquisition's name has referred to the right pid."""
        derived = client.get_dataset(ingested.derived.pid)
        assert str(derived.type) == "derived"
        assert [str(pid) for pid in derived.input_datasets or ()] == [ingested.plan.pid]


class TestSciCatSdk:
    """scicat-sdk-py 5.3, generated by SciCat itself."""

    @pytest.fixture
    def api(self, ingested: Ingested) -> Iterator[ApiClient]:
        configuration = Configuration(host=ingested.url)
        with ApiClient(configuration) as client:
            login = AuthApi(client).auth_controller_login_v3(
                CredentialsDto(username=ingested.account.username, password=ingested.account.password)
            )
            configuration.access_token = login.access_token
            yield client

    def test_it_reads_the_dataset(self, api: ApiClient, ingested: Ingested) -> None:
        """By pid on v3, and from the list on v4."""
        dataset = DatasetsApi(api).datasets_controller_find_by_id_v3(ingested.plan.pid)
        assert (dataset.dataset_name, dataset.owner_group) == ("Fe3O4 at 5 K", "p1001")
        where = json.dumps({"where": {"pid": ingested.plan.pid}})
        (listed,) = DatasetsV4Api(api).datasets_v4_controller_find_all_v4(filter=where)
        assert listed.source_folder == str(ingested.folder)

    def test_it_reads_files_and_attachments(self, api: ApiClient, ingested: Ingested) -> None:
        """From the v4 lists."""
        of_dataset = json.dumps({"where": {"datasetId": ingested.plan.pid}})
        (block,) = OrigdatablocksV4Api(api).orig_datablocks_v4_controller_find_all_v4(filter=of_dataset)
        assert sorted(file.path for file in block.data_file_list or ()) == sorted(CONTENTS)
        attached = json.dumps({"where": {"relationships.targetId": ingested.plan.pid}})
        found = AttachmentsV4Api(api).attachments_v4_controller_find_all_v4(filter=attached)
        assert sorted(attachment.caption for attachment in found) == ["first frame", "last frame"]
