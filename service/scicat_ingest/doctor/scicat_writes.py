"""The second half of the questions to SciCat: a dataset is created, filled, read back and, if we may, removed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from scicat_ingest.catalogue.v3 import attachment_for_v3, dataset_for_v3
from scicat_ingest.deliver.transport import path_segment
from scicat_ingest.doctor.scicat_account import LOGIN
from scicat_ingest.doctor.scicat_requests import NoAnswer, lacks_route, said
from scicat_ingest.doctor.step import failed, ok, warning

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scicat_ingest.deliver.answer import Answer
    from scicat_ingest.doctor.scicat_requests import Requests, Version
    from scicat_ingest.doctor.step import Examination, Finding
    from scicat_ingest.settings import Settings

DATASET, SAME_PID, BLOCK, ATTACHMENT = "scicat dataset", "scicat same pid", "scicat block", "scicat attachment"
VERSIONS, READ_BACK, PATCH, BODY_LIMIT = "scicat api versions", "scicat read back", "scicat patch", "scicat body limit"

TITLE = "scicat-ingest doctor: may be deleted"
FILE_BYTES = 42
_PRIVILEGED = "ask the SciCat administrator to put one of the account's groups into CREATE_DATASET_PRIVILEGED_GROUPS"
_READ_BACK = "set scicat.read_back_group to one of the account's own groups, or ask the SciCat administrator for one"
_VERSIONS: dict[str, tuple[Version, ...]] = {"auto": ("v4", "v3"), "v4": ("v4",), "v3": ("v3",)}
"""What each value of scicat.api allows, in the order to try."""


@dataclass(slots=True)
class Created:
    """What is in SciCat because of us, as far as we know."""

    pid: str | None = None
    certain: bool = True
    """Whether the dataset's creation was answered."""
    blocks: list[str] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)
    versions: dict[str, Version] = field(default_factory=dict)
    """The API version that took each kind."""


class WriteQuestions:
    """Asks them, with one dataset of its own; `created` says what must be removed afterwards."""

    def __init__(self, requests: Requests, settings: Settings, groups: list[str]) -> None:
        self._requests = requests
        self._settings = settings
        self._groups = groups
        self.created = Created()

    async def ask_all(self, examination: Examination) -> None:
        """Do the steps. What they created stays until `clean_up`."""
        await examination.step(DATASET, self.dataset, needs=[LOGIN])
        await examination.step(SAME_PID, self.same_pid, needs=[DATASET])
        await examination.step(BLOCK, self.block, needs=[DATASET])
        await examination.step(ATTACHMENT, self.attachment, needs=[DATASET])
        await examination.step(VERSIONS, self.versions, needs=[DATASET])
        await examination.step(READ_BACK, self.read_back, needs=[DATASET])
        await examination.step(PATCH, self.patch, needs=[DATASET])
        await examination.step(BODY_LIMIT, self.body_limit, needs=[DATASET])

    async def dataset(self) -> Finding:
        """Create it, with a pid of ours; with a bare UUID in it if the server wants its pids so."""
        prefix = self._settings.mapping.pid_prefix
        answer = await self._create(f"{prefix}/doctor-{uuid4()}")
        plain = answer.status == 400 and "PID" in answer.message
        if plain:
            answer = await self._create(f"{prefix}/{uuid4()}")
        if answer.status == 201:
            note = ", a bare UUID as the server wants it" if plain else ""
            return ok(f"created {self.created.pid} for {self._owner} by {self.created.versions['dataset']}{note}")
        if answer.status == 403:
            return await self._refused(answer)
        if answer.status == 400 and "PID" in answer.message:
            ask = (
                f"ask the SciCat administrator to let DATASET_CREATION_VALIDATION_REGEX take pids such as {prefix}/UUID"
            )
            return failed(said(answer), ask)
        if lacks_route(answer):
            return failed(said(answer), "set scicat.api to auto, or check scicat.url")
        return failed(said(answer), "ask the SciCat administrator to look for this request in the server's log")

    async def same_pid(self) -> Finding:
        """Create it once more: the pid must be taken."""
        version = self.created.versions["dataset"]
        answer = await self._post_dataset(version, self._payload(str(self.created.pid)))
        if answer.status == 409:
            return ok("a second POST is a 409: no dataset is made twice")
        return failed(
            f"a second POST of the same pid is not a 409: {said(answer)}",
            "ask the SciCat administrator for release v4.3 or newer: repeats cannot be told from new datasets",
        )

    async def block(self) -> Finding:
        """Add a list of one file."""
        payload = {
            "datasetId": self.created.pid,
            "size": FILE_BYTES,
            "dataFileList": [{"path": "doctor.txt", "size": FILE_BYTES, "time": _now()}],
        }

        async def post(version: Version) -> Answer:
            return await self._requests.post(f"/api/{version}/origdatablocks", payload)

        answer = await self._in_best_version("block", post)
        if answer.status == 201 and (key := _id_of(answer)):
            self.created.blocks.append(key)
            return ok(f"origdatablock {key} by {self.created.versions['block']}")
        return failed(said(answer), _PRIVILEGED)

    async def attachment(self) -> Finding:
        """Add a preview without a picture."""
        aid = str(uuid4())
        payload = {
            "aid": aid,
            "caption": TITLE,
            "thumbnail": "data:image/png;base64,",
            "ownerGroup": self._owner,
            "accessGroups": self._access,
            "isPublished": False,
            "relationships": [{"targetId": self.created.pid, "targetType": "dataset"}],
        }

        async def post(version: Version) -> Answer:
            if version == "v4":
                return await self._requests.post("/api/v4/attachments", payload)
            return await self._requests.post(f"{self._at('v3')}/attachments", attachment_for_v3(payload)[0])

        answer = await self._in_best_version("attachment", post)
        if answer.status == 201 and (key := _id_of(answer)):
            self.created.attachments.append(key)
            return ok(f"attachment {key} by {self.created.versions['attachment']}")
        return failed(said(answer), _PRIVILEGED)

    async def versions(self) -> Finding:
        """Sum up which API version takes what from this account."""
        shown = ", ".join(f"{kind} {version}" for kind, version in self.created.versions.items())
        return ok(f"{shown} (scicat.api: {self._settings.scicat.api})")

    async def read_back(self) -> Finding:
        """Read it with its blocks and attachments, as every repeat and repair does."""
        answer = await self._requests.get(self._at("v4"), {"include": ["origdatablocks", "attachments"]})
        if answer.status in (403, 404, 405):
            relations = '{"include":[{"relation":"origdatablocks"},{"relation":"attachments"}]}'
            answer = await self._requests.get(self._at("v3"), {"filter": relations})
        if answer.status == 403:
            return failed(f"we may not read what we wrote: {said(answer)}", _READ_BACK)
        document = answer.document or {}
        if not answer.ok or document.get("pid") != self.created.pid:
            return failed(f"GET by pid: {said(answer)}", "ask the SciCat administrator")
        missing = [
            name
            for name, keys in (("origdatablocks", self.created.blocks), ("attachments", self.created.attachments))
            if not set(keys) <= {str(part.get("_id") or part.get("id")) for part in document.get(name) or []}
        ]
        if missing:
            return failed(f"the dataset comes back without its {' and '.join(missing)}", _READ_BACK)
        return ok("the dataset with its blocks and attachments")

    async def patch(self) -> Finding:
        """Correct its totals."""
        changes = {"size": FILE_BYTES * len(self.created.blocks), "numberOfFiles": len(self.created.blocks)}
        answer = await self._requests.patch(self._at(self.created.versions["dataset"]), changes)
        if answer.ok:
            return ok("totals can be corrected")
        if answer.status == 403:
            return warning(
                f"{said(answer)}: wrong totals of a dataset cannot be corrected, and revisions cannot update it",
                "if you need that, ask the SciCat administrator to put the account into the datasets' owner groups",
            )
        return failed(said(answer), "ask the SciCat administrator")

    async def body_limit(self) -> Finding:
        """Send the largest body that the settings allow to a route that stores nothing."""
        limit = self._settings.scicat.max_body_bytes
        version = self.created.versions["dataset"]
        larger = f"MAX_FILE_UPLOAD_SIZE of at least {limit} bytes"
        ask = f"ask the SciCat administrator for {larger}, or lower scicat.max_body_bytes"
        try:
            answer = await self._requests.post(f"/api/{version}/datasets/isValid", self._padded(version, limit))
        except NoAnswer as failure:
            return failed(f"a body of {limit} bytes (scicat.max_body_bytes): {failure.finding.seen}", ask)
        if answer.status in (200, 201, 400):
            return ok(f"a body of {limit} bytes (scicat.max_body_bytes) is taken")
        if answer.status == 413:
            ask = f"ask the administrator of the proxy before SciCat to let bodies of {limit} bytes pass, or lower "
            ask += "scicat.max_body_bytes"
        return failed(f"a body of {limit} bytes (scicat.max_body_bytes) is not taken: {said(answer)}", ask)

    @property
    def _owner(self) -> str:
        return self._settings.mapping.fallback_owner_group

    @property
    def _access(self) -> list[str]:
        group = self._settings.scicat.read_back_group
        return [group] if group is not None else []

    def _at(self, version: Version) -> str:
        return f"/api/{version}/datasets/{path_segment(str(self.created.pid))}"

    def _payload(self, pid: str | None, **changes: Any) -> dict[str, Any]:
        """Describe the dataset, in v4's spelling."""
        payload = {
            "type": "raw",
            "datasetName": TITLE,
            "description": TITLE,
            "owner": self._settings.mapping.owner or "scicat-ingest doctor",
            "contactEmail": self._settings.mapping.contact_email or "doctor@example.org",
            "ownerGroup": self._owner,
            "accessGroups": self._access,
            "sourceFolder": "/scicat-ingest-doctor",
            "creationTime": _now(),
            "isPublished": False,
            "keywords": ["scicat-ingest-doctor"],
            "datasetlifecycle": {"archivable": False},
        }
        return payload | ({} if pid is None else {"pid": pid}) | changes

    def _padded(self, version: Version, size: int) -> bytes:
        """Give a dataset whose JSON has `size` bytes."""
        payload = self._payload(None, description="")
        spelt = dataset_for_v3(payload)[0] if version == "v3" else payload
        room = size - len(_json(spelt))
        return _json(spelt | {"description": "x" * max(0, room)})

    async def _create(self, pid: str) -> Answer:
        self.created.pid, self.created.certain = pid, False  # until an answer says otherwise
        payload = self._payload(pid)

        async def post(version: Version) -> Answer:
            return await self._post_dataset(version, payload)

        try:
            answer = await self._in_best_version("dataset", post)
        except NoAnswer as failure:
            if not failure.maybe_done:
                self.created.pid = None
            raise
        self.created.certain = answer.status == 201
        if not answer.ok and answer.status < 500:
            self.created.pid = None
        return answer

    async def _post_dataset(self, version: Version, payload: dict[str, Any], route: str = "") -> Answer:
        body = dataset_for_v3(payload)[0] if version == "v3" else payload
        return await self._requests.post(f"/api/{version}/datasets{route}", body)

    async def _in_best_version(self, kind: str, post: Callable[[Version], Awaitable[Answer]]) -> Answer:
        """Try v4, then v3 where it is refused or missing, as far as scicat.api allows; remember which one worked."""
        tried = _VERSIONS[self._settings.scicat.api]
        answer = await post(tried[0])
        used = tried[0]
        if answer.status in (403, 404, 405) and len(tried) > 1:
            used = tried[1]
            answer = await post(used)
        if answer.status == 201:
            self.created.versions[kind] = used
        return answer

    async def _refused(self, answer: Answer) -> Finding:
        """Find out what of it is refused: the pid, the ownerGroup, or everything. isValid stores nothing."""
        version = _VERSIONS[self._settings.scicat.api][-1]  # the one that was refused last

        async def allowed(pid: str | None, group: str) -> bool:
            payload = self._payload(pid, ownerGroup=group)
            return (await self._post_dataset(version, payload, "/isValid")).ok

        pid = f"{self._settings.mapping.pid_prefix}/{uuid4()}"
        if await allowed(None, self._owner):
            ask = f"{_PRIVILEGED}, or into CREATE_DATASET_WITH_PID_GROUPS"
            return failed(f"we may not choose a dataset's pid: {said(answer)}", ask)
        ours = self._groups[0] if self._groups else self._owner
        if await allowed(pid, ours):
            ask = f"{_PRIVILEGED}, or to put the account into the datasets' owner groups"
            return failed(f"we may not create for ownerGroup {self._owner!r}, not ours: {said(answer)}", ask)
        if await allowed(None, ours):
            return failed(f"we may neither choose a pid nor create for {self._owner!r}: {said(answer)}", _PRIVILEGED)
        return failed(f"our account may not create datasets at all: {said(answer)}", _PRIVILEGED)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _json(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, separators=(",", ":")).encode()


def _id_of(answer: Answer) -> str | None:
    document = answer.document or {}
    return next((str(document[name]) for name in ("aid", "_id", "id") if document.get(name)), None)
