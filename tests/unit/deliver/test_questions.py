"""What SciCat's answers to a look-up mean, however odd they are."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.deliver.answer import read_answer
from scicat_ingest.deliver.classify import Check, Route, Seen, classify
from scicat_ingest.deliver.questions import NotThere, Questions
from scicat_ingest.faults import CatalogueUnavailable, CredentialsRejected, RejectedByCatalogue, WrongEndpoint
from scicat_ingest.mapping.lookups import Found, Instruments, Kind, Proposal, Sample, Wanted

pytestmark = pytest.mark.anyio

MISSING = (404, {"message": "Proposals: p not found", "statusCode": 404})
DOCUMENT = {
    "proposalId": "p",
    "pi_firstname": "Lise",
    "pi_lastname": "Meitner",
    "pi_email": "lise@example.org",
    "email": "office@example.org",
    "ownerGroup": "pg",
    "accessGroups": ["a", "b"],
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Client:
    """Gives these answers one after another, the last one again and again."""

    answers: list[tuple[int, Any]]
    known: bool = True
    calls: list[str] = field(default_factory=list)

    async def groups(self) -> list[str]:
        self.calls.append("whoami")
        if not self.known:
            raise CredentialsRejected("no")
        return ["ingestor"]

    async def get_instruments(self, name: str) -> Any:
        return self._next(name)

    async def get_proposal(self, proposal_id: str) -> Any:
        return self._next(proposal_id)

    async def get_sample(self, sample_id: str) -> Any:
        return self._next(sample_id)

    def _next(self, key: str) -> Any:
        self.calls.append(key)
        status, body = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer = read_answer(httpx.Response(status, content=content))
        good = Check.GOOD
        return answer, classify(Seen.answer(Route.LOOK_UP, answer, identity=good, health=good)).verdict


async def ask(kind: Kind, *answers: tuple[int, Any]) -> Found | NotThere:
    client: Any = Client(list(answers))
    return await Questions(client).ask(Wanted(kind, "p"))


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        (Kind.INSTRUMENT, [{"pid": "1"}], Instruments(("1",))),
        (Kind.INSTRUMENT, [{"pid": "1"}, {"pid": "2"}], Instruments(("1", "2"))),
        (Kind.SAMPLE, {"sampleId": "p"}, Sample()),
        (
            Kind.PROPOSAL,
            DOCUMENT,
            Proposal(("Lise Meitner",), ("lise@example.org", "office@example.org"), "pg", ("a", "b")),
        ),
        (Kind.PROPOSAL, {"pi_lastname": "M", "pi_email": "x", "email": "x"}, Proposal(("M",), ("x",))),
        (
            Kind.PROPOSAL,
            {"pi_firstname": " ", "pi_lastname": None, "email": 5, "ownerGroup": "", "accessGroups": "a"},
            Proposal(),
        ),
        (
            Kind.PROPOSAL,
            DOCUMENT | {"accessGroups": ["a", "", None, 5]},
            Proposal(("Lise Meitner",), ("lise@example.org", "office@example.org"), "pg", ("a",)),
        ),
    ],
)
async def test_what_is_there_is_read(kind: Kind, body: Any, found: Found) -> None:
    """What is blank, or of another type than it should be, is left out."""
    assert await ask(kind, (200, body)) == found


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("absence", [MISSING, (200, []), (200, None), (200, b"null")])
async def test_absence_is_believed_the_second_time_of_a_known_token(kind: Kind, absence: tuple[int, Any]) -> None:
    """With a dead one SciCat says the same; asking who we are renews it."""
    client: Any = Client([absence])
    assert isinstance(await Questions(client).ask(Wanted(kind, "p")), NotThere)
    assert client.calls == ["p", "whoami", "p"]


async def test_absence_is_not_believed_of_a_token_that_was_dead() -> None:
    """Asked with another one, SciCat has it."""
    assert await ask(Kind.SAMPLE, MISSING, (200, {"sampleId": "p"})) == Sample()
    client: Any = Client([MISSING], known=False)
    with pytest.raises(CredentialsRejected):
        await Questions(client).ask(Wanted(Kind.SAMPLE, "p"))


async def test_what_we_may_not_read_is_not_there_for_us() -> None:
    """It may be given to us; the reason says that this may be it."""
    found = await ask(Kind.PROPOSAL, (403, {"message": "Unauthorized access"}))
    assert isinstance(found, NotThere)
    assert "not ours to read" in found.why


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ((404, {"message": "Cannot GET /api/v3/proposals/p"}), WrongEndpoint),
        ((302, None), WrongEndpoint),
        ((400, {"message": "no"}), RejectedByCatalogue),
        ((200, b"<html>"), CatalogueUnavailable),
        ((200, "text"), CatalogueUnavailable),
        ((200, [{"pid": "1"}]), CatalogueUnavailable),
    ],
)
async def test_any_other_answer_is_a_fault(answer: tuple[int, Any], fault: type[Exception]) -> None:
    """Of the set-up, of the record, or of the way to SciCat; never an absence."""
    with pytest.raises(fault):
        await ask(Kind.PROPOSAL, answer)


@pytest.mark.parametrize("body", [{}, {"pid": "1"}, [{"name": "x"}], [{"pid": "1"}, {"pid": 5}], ["1"]])
async def test_a_list_of_something_else_names_no_instrument(body: Any) -> None:
    """Half of it would be guessing."""
    with pytest.raises(CatalogueUnavailable):
        await ask(Kind.INSTRUMENT, (200, body))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(DOCUMENT)), inner, max_size=5),
    max_leaves=6,
)


@given(st.sampled_from(list(Kind)), st.dictionaries(st.sampled_from([*DOCUMENT, "pid"]), JSON), st.booleans())
async def test_whatever_a_document_holds_it_is_read_or_refused(kind: Kind, document: Any, listed: bool) -> None:  # noqa: FBT001
    """Nothing but these two."""
    try:
        found = await ask(kind, (200, [document] if listed else document))
    except CatalogueUnavailable:
        return
    assert isinstance(found, Instruments | Proposal | Sample)
