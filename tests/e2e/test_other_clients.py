"""Proof by other people's clients: what the service ingested can be read, and its files downloaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pytest
from pyscicat.client import ScicatClient
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
from tests.e2e.acquisition import CAPTIONS, CONTENTS, FILES, METADATA, NAME, SIZE, SOFTWARE, TECHNIQUE, thumbnails

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.e2e.conftest import Ingested


def test_the_datasets_came_by_the_routes_that_the_account_may_use(ingested: Ingested) -> None:
    """So the readings below are of v4-made, of v3-made and of mixed documents."""
    stored = {route for route, status in ingested.stand_in.answers if status == 201 and "/auth/" not in route}
    assert stored == ingested.way.routes


def of_the_event(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give what the producer sent: without SciCat's `valueSI` and `unitSI`, and without what the service adds."""
    found = {unquote(name): value for name, value in (metadata or {}).items()}
    assert set(found) == {*METADATA, "sample", "ingest"}
    return {
        name: {part: found[name][part] for part in found[name] if part not in ("valueSI", "unitSI")}
        if isinstance(found[name], dict)
        else found[name]
        for name in METADATA
    }


class TestPyscicat:
    """pyscicat 0.4."""

    @pytest.fixture
    def client(self, ingested: Ingested) -> ScicatClient:
        return ScicatClient(
            f"{ingested.url}/api/v3", username=ingested.account.username, password=ingested.account.password
        )

    def test_it_reads_the_dataset(self, client: ScicatClient, ingested: Ingested) -> None:
        """By pid, with its groups, people, places and totals."""
        dataset = client.datasets_get_one(ingested.plan.pid)
        expected = {
            "pid": ingested.plan.pid,
            "type": "raw",
            "datasetName": NAME,
            "ownerGroup": "p1001",
            "accessGroups": [ingested.account.username],
            "sourceFolder": str(ingested.folder),
            "numberOfFiles": len(FILES),
            "size": SIZE,
            "proposalId": "p1001",
            "sampleId": "sample-17",
            "instrumentId": "ODIN",
            "principalInvestigator": "Ada Lovelace",
            "techniques": [TECHNIQUE],
        }
        assert {name: dataset[name] for name in expected} == expected

    def test_it_reads_the_metadata_as_it_was_sent(self, client: ScicatClient, ingested: Ingested) -> None:
        """Names with a space too; and SciCat has made SI units of the quantities."""
        metadata = client.datasets_get_one(ingested.plan.pid)["scientificMetadata"]
        assert of_the_event(metadata) == METADATA
        assert metadata["ingest"]["acquisitionId"] == "odin-000042"
        assert metadata["detector distance"] == {"value": 1.5, "unit": "m", "valueSI": 1.5, "unitSI": "m"}

    def test_it_finds_the_dataset_among_others(self, client: ScicatClient, ingested: Ingested) -> None:
        """By fields of it, in both ways to search."""
        for found in (
            client.datasets_get_many({"datasetName": NAME}),
            client.datasets_get_many({"proposalId": "p1001", "type": "raw"}),
            client.datasets_find(query_fields={"proposalIds": ["p1001"], "type": "raw"}),
        ):
            assert [dataset["pid"] for dataset in found] == [ingested.plan.pid]

    def test_it_reads_the_files(self, client: ScicatClient, ingested: Ingested) -> None:
        """Paths relative to the source folder, sizes and checksums."""
        (block,) = client.datasets_origdatablocks_get_one(ingested.plan.pid)
        assert (block["datasetId"], block["size"], block["chkAlg"]) == (ingested.plan.pid, SIZE, "sha256")
        assert {file["path"]: (file["size"], file["chk"]) for file in block["dataFileList"]} == FILES

    def test_its_session_reads_the_attachments(self, client: ScicatClient, ingested: Ingested) -> None:
        """It has no call of its own for them."""
        path = f"Datasets/{quote(ingested.plan.pid, safe='')}/attachments"
        found = client._call_endpoint("get", path)
        assert {attachment["caption"]: attachment["thumbnail"] for attachment in found} == thumbnails()
        assert {attachment["datasetId"] for attachment in found} == {ingested.plan.pid}

    def test_it_reads_the_derived_dataset(self, client: ScicatClient, ingested: Ingested) -> None:
        """With what it was made from and by."""
        derived = client.datasets_get_one(ingested.derived.pid)
        assert (derived["type"], derived["inputDatasets"], derived["usedSoftware"]) == (
            "derived",
            [ingested.plan.pid],
            [SOFTWARE],
        )


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
        """By pid, with its groups, people, places and totals."""
        dataset = client.get_dataset(ingested.plan.pid, strict_validation=True)
        assert str(dataset.pid) == ingested.plan.pid
        assert (dataset.name, dataset.owner_group, dataset.access_groups) == (
            NAME,
            "p1001",
            [ingested.account.username],
        )
        assert dataset.source_folder is not None
        assert dataset.source_folder.posix == str(ingested.folder)
        assert (dataset.number_of_files, dataset.size) == (len(FILES), SIZE)
        assert (dataset.proposal_ids, dataset.sample_ids, dataset.instrument_ids) == (
            ["p1001"],
            ["sample-17"],
            ["ODIN"],
        )
        assert dataset.principal_investigators == ["Ada Lovelace"]
        assert [technique.pid for technique in dataset.techniques or ()] == [TECHNIQUE["pid"]]

    def test_it_reads_the_metadata_as_v4_shows_it(self, client: Client, ingested: Ingested) -> None:
        """The values are what was sent; v4 gives the names percent-encoded."""
        metadata = client.get_dataset(ingested.plan.pid).meta
        assert of_the_event(metadata) == METADATA
        assert metadata["detector%20distance"] == {"value": 1.5, "unit": "m", "valueSI": 1.5, "unitSI": "m"}

    def test_it_reads_the_files(self, client: Client, ingested: Ingested) -> None:
        """Paths relative to the source folder, sizes and checksums."""
        files = client.get_dataset(ingested.plan.pid, strict_validation=True).files
        assert {file.remote_path.posix: (file.size, file.checksum()) for file in files} == FILES
        assert {file.checksum_algorithm for file in files} == {"sha256"}

    def test_it_reads_the_attachments(self, client: Client, ingested: Ingested) -> None:
        """Their captions, groups and pictures."""
        found = client.get_dataset(ingested.plan.pid, strict_validation=True, attachments=True).attachments
        assert found is not None
        assert {
            attachment.caption: attachment.thumbnail and attachment.thumbnail.serialize() for attachment in found
        } == thumbnails()
        assert {attachment.owner_group for attachment in found} == {"p1001"}
        for attachment in found:
            assert attachment.thumbnail is not None
            assert attachment.thumbnail.mime == "image/png"
            assert attachment.thumbnail.decoded_data().startswith(b"\x89PNG")

    def test_it_finds_the_dataset_among_others(self, client: Client, ingested: Ingested) -> None:
        """By fields of it, and the newest ones of a proposal."""
        found = client.scicat.query_datasets({"proposalIds": ["p1001"], "type": "raw"}, strict_validation=True)
        assert [(str(dataset.pid), dataset.datasetName) for dataset in found] == [(ingested.plan.pid, NAME)]
        both = client.scicat.query_datasets({"proposalIds": ["p1001"]}, limit=5, order="creationTime:desc")
        assert {str(dataset.pid) for dataset in both} == {ingested.plan.pid, ingested.derived.pid}

    def test_it_downloads_the_files_and_their_checksums_are_right(
        self, client: Client, ingested: Ingested, tmp_path: Path
    ) -> None:
        """Every file, also the one in a sub-folder and the empty one."""
        dataset = client.get_dataset(ingested.plan.pid)
        downloaded = client.download_files(dataset, target=tmp_path / "here")
        assert {
            file.remote_path.posix: file.local_path and file.local_path.read_bytes() for file in downloaded.files
        } == CONTENTS

    @pytest.mark.parametrize("path", ["run.nxs", "frames/0001.tif"])
    def test_it_notices_a_file_that_was_changed(
        self, client: Client, ingested: Ingested, tmp_path: Path, path: str
    ) -> None:
        """Same size, other bytes: the checksum test is a real one."""
        file = ingested.folder / path
        file.write_bytes(file.read_bytes()[::-1])
        dataset = client.get_dataset(ingested.plan.pid)
        with pytest.raises(IntegrityError, match="Checksum of file"):
            client.download_files(dataset, target=tmp_path / "here")

    def test_it_reads_the_derived_dataset_and_what_it_was_made_from(self, client: Client, ingested: Ingested) -> None:
        """A producer that knows only the acquisition's name has referred to the right pid."""
        derived = client.get_dataset(ingested.derived.pid, strict_validation=True, attachments=True)
        assert str(derived.type) == "derived"
        assert derived.used_software == [SOFTWARE]
        assert derived.attachments == []
        (source,) = derived.input_datasets or []
        assert client.get_dataset(source).name == NAME


class TestSciCatSdk:
    """scicat-sdk-py 5.3, generated by SciCat itself; its v3 attachments list fails on SciCat too."""

    @pytest.fixture
    def api(self, ingested: Ingested) -> Iterator[ApiClient]:
        configuration = Configuration(host=ingested.url)
        with ApiClient(configuration) as client:
            login = AuthApi(client).auth_controller_login_v3(
                CredentialsDto(username=ingested.account.username, password=ingested.account.password)
            )
            configuration.access_token = login.access_token
            yield client

    def test_it_reads_the_dataset_on_v3(self, api: ApiClient, ingested: Ingested) -> None:
        """By pid, with its groups, metadata and totals."""
        dataset = DatasetsApi(api).datasets_controller_find_by_id_v3(ingested.plan.pid)
        assert (dataset.pid, dataset.dataset_name, dataset.owner_group) == (ingested.plan.pid, NAME, "p1001")
        assert (dataset.source_folder, dataset.number_of_files, dataset.size) == (
            str(ingested.folder),
            len(FILES),
            SIZE,
        )
        assert of_the_event(dataset.scientific_metadata) == METADATA

    def test_it_reads_the_files_on_v3(self, api: ApiClient, ingested: Ingested) -> None:
        """Paths relative to the source folder, sizes and checksums."""
        (block,) = DatasetsApi(api).datasets_controller_find_all_orig_datablocks_v3(ingested.plan.pid)
        assert (block.dataset_id, block.chk_alg) == (ingested.plan.pid, "sha256")
        assert {file.path: (file.size, file.chk) for file in block.data_file_list} == FILES

    def test_it_finds_the_dataset_in_the_v4_list(self, api: ApiClient, ingested: Ingested) -> None:
        """With its groups, metadata and totals."""
        where = json.dumps({"where": {"pid": ingested.plan.pid}})
        (listed,) = DatasetsV4Api(api).datasets_v4_controller_find_all_v4(filter=where)
        assert (listed.pid, listed.owner_group, listed.source_folder) == (
            ingested.plan.pid,
            "p1001",
            str(ingested.folder),
        )
        assert (listed.number_of_files, listed.size) == (len(FILES), SIZE)
        assert of_the_event(listed.scientific_metadata) == METADATA

    def test_it_reads_the_files_from_the_v4_list(self, api: ApiClient, ingested: Ingested) -> None:
        """The same ones as on v3."""
        of_dataset = json.dumps({"where": {"datasetId": ingested.plan.pid}})
        (block,) = OrigdatablocksV4Api(api).orig_datablocks_v4_controller_find_all_v4(filter=of_dataset)
        assert {file.path: (file.size, file.chk) for file in block.data_file_list or ()} == FILES

    def test_it_reads_the_attachments_from_the_v4_list(self, api: ApiClient, ingested: Ingested) -> None:
        """Whichever route made them, they belong to the dataset."""
        attached = json.dumps({"where": {"relationships.targetId": ingested.plan.pid}})
        found = AttachmentsV4Api(api).attachments_v4_controller_find_all_v4(filter=attached)
        assert {attachment.caption: attachment.thumbnail for attachment in found} == thumbnails()
        targets = [relation.target_id for attachment in found for relation in attachment.relationships or ()]
        assert targets == [ingested.plan.pid] * len(CAPTIONS)

    def test_it_reads_the_derived_dataset(self, api: ApiClient, ingested: Ingested) -> None:
        """With what it was made from and by."""
        derived = DatasetsApi(api).datasets_controller_find_by_id_v3(ingested.derived.pid)
        assert (derived.type, derived.input_datasets, derived.used_software) == (
            "derived",
            [ingested.plan.pid],
            [SOFTWARE],
        )
