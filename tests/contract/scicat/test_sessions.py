from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.scicat.conftest import Caller, Catalogue

FORBIDDEN = {"message": "Forbidden resource", "error": "Forbidden", "statusCode": 403}
NOT_A_TOKEN = "eyJhbGciOiJIUzI1NiJ9.e30.bm90IHNpZ25lZA"


def test_login_answers_201_with_the_token_twice(catalogue: Catalogue, anonymous: Caller) -> None:
    """Login gives the token as access_token and as id, its life twice, and the user."""
    username, password = catalogue.passwords[catalogue.service_account]
    response = anonymous.post("/api/v3/auth/login", {"username": username, "password": password})
    assert response.status_code == 201
    login = response.json()
    assert login["access_token"] == login["id"]
    assert login["expires_in"] == login["ttl"]
    assert login["userId"] == login["user"]["_id"] == login["user"]["id"]
    assert login["user"]["username"] == username
    assert login["created"].endswith("Z")


def test_the_token_says_who_and_until_when_but_not_which_groups(catalogue: Catalogue, anonymous: Caller) -> None:
    """The claims are the user's and the times; groups are looked up at every request."""
    username, password = catalogue.passwords[catalogue.service_account]
    login = anonymous.post("/api/v3/auth/login", {"username": username, "password": password}).json()
    header, claims, _ = (_decoded(part) for part in login["access_token"].split("."))
    assert header["alg"] == "HS256"
    assert claims["username"] == username
    assert claims["exp"] - claims["iat"] == login["expires_in"]
    assert not any("group" in name.lower() for name in claims)


def _decoded(part: str) -> Any:
    raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    try:
        return json.loads(raw)
    except ValueError:
        return None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"username": "nobody-of-that-name", "password": "x"}, id="unknown user"),
        pytest.param({"username": "admin"}, id="no password"),
        pytest.param({"username": "admin", "password": "not-this-one"}, id="wrong password"),
    ],
)
def test_a_failed_login_is_the_only_401(anonymous: Caller, body: dict[str, str]) -> None:
    """Wrong credentials are answered with 401 and a body without `error`."""
    response = anonymous.post("/api/v3/auth/login", body)
    assert response.status_code == 401
    assert response.json() == {"message": "Unauthorized", "statusCode": 401}


def test_a_damaged_login_is_400(anonymous: Caller) -> None:
    """Half a JSON text is not looked at any further."""
    response = anonymous.client.post(
        "/api/v3/auth/login", content='{"username": "a"', headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400


def test_there_is_no_login_by_v4(anonymous: Caller) -> None:
    """The v4 login route does not exist, and says so in Express's words."""
    response = anonymous.post("/api/v4/auth/login", {"username": "a", "password": "b"})
    assert response.status_code == 404
    assert response.json()["message"].startswith("Cannot POST /api/v4/auth/login")


def test_the_login_of_old_answers_201_with_nothing(anonymous: Caller) -> None:
    """The route that older clients call gives success and no token."""
    response = anonymous.post("/api/v3/users/login", {"username": "a", "password": "b"})
    assert response.status_code == 201
    assert response.content == b""


def test_whoami_names_the_user_and_the_groups(service: Caller) -> None:
    """With a living token whoami tells the groups that rights are made of."""
    user = service.get("/api/v3/auth/whoami").json()
    assert user["username"] == service.username
    assert user["currentGroups"] == list(service.groups)
    assert {"_id", "email", "authStrategy"} <= set(user)


@pytest.mark.parametrize("authorization", [None, f"Bearer {NOT_A_TOKEN}", "Bearer nonsense", "Basic YTpi"])
def test_whoami_is_empty_for_a_dead_token(catalogue: Catalogue, authorization: str | None) -> None:
    """No, a bad or a foreign token gives 200 with an empty body: the cheapest test of a token."""
    caller = catalogue.with_authorization(authorization) if authorization else catalogue.anonymous()
    response = caller.get("/api/v3/auth/whoami")
    assert response.status_code == 200
    assert response.content == b""


def test_a_token_without_the_word_bearer_is_ignored(catalogue: Catalogue, service: Caller) -> None:
    """The header needs the scheme."""
    token = service.client.headers["Authorization"].removeprefix("Bearer ")
    assert catalogue.with_authorization(token).get("/api/v3/auth/whoami").content == b""


def test_a_token_may_come_in_the_query(anonymous: Caller, service: Caller) -> None:
    """access_token is taken with the word Bearer in it, and only so."""
    bearer = service.client.headers["Authorization"]
    user = anonymous.get("/api/v3/auth/whoami", access_token=bearer).json()
    assert user["username"] == service.username
    assert anonymous.get("/api/v3/auth/whoami", access_token=bearer.removeprefix("Bearer ")).content == b""


def test_a_token_outlives_logout(catalogue: Catalogue) -> None:
    """Logout says that it worked and forgets nothing."""
    caller = catalogue.log_in(*catalogue.passwords[catalogue.service_account])
    response = caller.client.post("/api/v3/auth/logout")
    assert response.status_code == 200
    assert response.json() == {"logout": "successful"}
    assert caller.get("/api/v3/auth/whoami").json()["username"] == caller.username


@pytest.mark.parametrize("authorization", [None, f"Bearer {NOT_A_TOKEN}"])
def test_a_post_with_a_dead_token_is_403_like_a_missing_right(
    catalogue: Catalogue, service: Caller, version: str, authorization: str | None
) -> None:
    """There is no 401: a dead token and a right that one never had look the same."""
    caller = catalogue.with_authorization(authorization) if authorization else catalogue.anonymous()
    response = caller.post(f"/api/{version}/datasets", service.dataset(version))
    assert response.status_code == 403
    assert response.json() == FORBIDDEN


def test_v3_reads_degrade_to_what_is_public(catalogue: Catalogue, service: Caller) -> None:
    """With a dead token v3 shows published datasets, hides the others from lists, and forbids them by pid."""
    dead = catalogue.with_authorization(f"Bearer {NOT_A_TOKEN}")
    private = service.created()["pid"]
    public = service.created(isPublished=True)["pid"]
    assert dead.listed(private, "v3") == []
    assert [dataset["pid"] for dataset in dead.listed(public, "v3")] == [public]
    assert dead.get(dead.path(private, "v3")).status_code == 403
    assert dead.get(dead.path(private, "v3")).json()["message"] == "Unauthorized access"
    assert dead.get(dead.path(public, "v3")).status_code == 200
    assert dead.get(dead.path("missing/pid", "v3")).status_code == 404


def test_v4_reads_refuse_a_dead_token(catalogue: Catalogue, service: Caller) -> None:
    """v4 answers 403 to every read, for published datasets as well."""
    dead = catalogue.with_authorization(f"Bearer {NOT_A_TOKEN}")
    public = service.created(isPublished=True)["pid"]
    for path in ("/api/v4/datasets", dead.path(public), "/api/v4/origdatablocks", "/api/v4/attachments"):
        response = dead.get(path)
        assert (response.status_code, response.json()) == (403, FORBIDDEN), path
