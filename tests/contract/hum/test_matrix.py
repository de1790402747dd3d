"""HUM over HTTP: permissions of each operation by role and organization."""

from __future__ import annotations

import re
import time

import httpx
import pytest

from infra import openapi
from switchboard.edge.bodies import MAX_BODY_BYTES
from switchboard.team import permissions
from switchboard.team.permissions import Role
from tests.contract import asks, console
from tests.contract.asks import GOOD, OWN, TURNING, ask_for
from tests.contract.console import Console, Person
from tests.contract.hum.conftest import assert_refused
from tests.contract.spec import Spec
from tests.contract.world import Ask

OURS = Spec.read(openapi.FOLDER / "hum.json")


def _shape(path: str) -> str:
    """A path without the names of its variables: the document has the contract's names, routes have their own."""
    return re.sub(r"[<{][^>}]+[>}]", "{}", path)


NAMES = {(one.method, _shape(one.path)): one.id for one in OURS.operations.values()}


#: The permission that each operation with a session needs. An operation with a scheme has another credential.
PERMISSIONS = {
    NAMES[operation.method, _shape(operation.path)]: operation.permission
    for api in openapi.groups("hum")
    for operation in api.router.operations
    if not (operation.public or operation.scheme)
}


#: The operations that name an object of the organization. Another organization gets 404 for it.
NAMING = [*(name for name in sorted(GOOD) if "{" in OURS.operations[name].path), *asks.NAMING_IN_BODY]
CHANGING = sorted(name for name in PERMISSIONS if OURS.operations[name].method != "GET")


def list_successes(name: str) -> set[int]:
    """The statuses of an operation's successes: some have two."""
    return {status for status in OURS.operations[name].statuses if status < 400}


def test_every_operation_that_takes_a_session_is_in_the_matrix() -> None:
    missing, unknown = PERMISSIONS.keys() - (GOOD.keys() | OWN.keys()), (GOOD.keys() | OWN.keys()) - PERMISSIONS.keys()
    assert not missing, f"add a request for {sorted(missing)} to GOOD (or OWN) of a module in tests/contract/asks/"
    assert not unknown, f"remove {sorted(unknown)} from tests/contract/asks/: no route has this operation id"
    assert not GOOD.keys() & OWN.keys()
    assert {name for name in OWN if PERMISSIONS[name]} == set()


@pytest.fixture(scope="module")
def over(http: httpx.Client, org: Console) -> Person:
    return console.expired_admin(http, org.org_id)


@pytest.fixture(scope="module")
def newcomer(http: httpx.Client) -> Person:
    return console.add_person(http)


_refused: dict[tuple[str, str], Ask] = {}


def refused_ask(name: str, org: Console) -> Ask:
    """A request that is refused to the person who sends it: its objects are made once, because it changes none."""
    if (name, org.org_id) not in _refused:
        _refused[name, org.org_id] = ask_for(name, org, org.another(Role.ADMIN))
    return _refused[name, org.org_id]


@pytest.mark.parametrize("name", sorted(PERMISSIONS))
def test_a_request_without_a_session_is_refused(http: httpx.Client, org: Console, over: Person, name: str) -> None:
    ask = refused_ask(name, org)
    for cookie, code in ((None, "unauthorized"), ("nonsense", "unauthorized"), (over.cookie, "expired")):
        headers = {} if cookie is None else {"Cookie": f"{console.COOKIE}={cookie}"}
        answer = Ask(ask.method, ask.path, {"not": "read"}, headers=headers).send(http)
        assert_refused(answer, 401, code)
        assert answer.headers["x-amzn-remapped-www-authenticate"] == f'Cookie name="{console.COOKIE}"'


@pytest.mark.parametrize("name", sorted(GOOD))
@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_exactly_what_its_permissions_allow(org: Console, name: str, role: Role) -> None:
    person: Person = getattr(org, role.value)
    permission = PERMISSIONS[name]
    if permission is None or permission in permissions.PERMISSIONS[role]:
        answer = person.send(GOOD[name](org))
        assert answer.status_code in list_successes(name), answer.text
    else:
        answer = person.send(refused_ask(name, org))
        assert_refused(answer, 403, "insufficient_role")
        assert {"permission": permission} in answer.json()["details"]
    if name == "createOrg":  # The request has moved the session to another organization.
        assert person.post("/api/session/org", {"org_id": org.org_id}).status_code == 200


@pytest.mark.parametrize("name", NAMING)
def test_no_role_can_act_in_another_organization(org: Console, other: Console, name: str) -> None:
    ask, permission = GOOD[name](other), PERMISSIONS[name]
    for role in Role:
        person: Person = getattr(org, role.value)
        if permission is None or permission in permissions.PERMISSIONS[role]:
            assert_refused(person.send(ask), 404, "not_found")
        else:
            assert_refused(person.send(ask), 403, "insufficient_role")
    assert other.admin.send(ask).status_code in list_successes(name)


@pytest.mark.parametrize("name", NAMING)
def test_objects_of_another_organization_are_not_found(org: Console, other: Console, name: str) -> None:
    ask = GOOD[name](org)
    for _ in range(2):
        assert_refused(other.admin.send(ask), 404, "not_found")
    assert org.admin.send(ask).status_code in list_successes(name)


@pytest.mark.parametrize("name", sorted(name for name, permission in PERMISSIONS.items() if permission))
def test_a_person_without_an_organization_is_asked_to_create_one(org: Console, newcomer: Person, name: str) -> None:
    assert_refused(newcomer.send(refused_ask(name, org)), 403, "no_organization")


@pytest.mark.parametrize("name", CHANGING)
def test_a_page_of_another_site_cannot_change_anything(org: Console, name: str) -> None:
    ask = ask_for(name, org, org.admin)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert_refused(org.admin.send(ask.with_headers(**headers)), 403, "cross_origin")
    ours = ask.with_headers(Origin=_origin(org.http), Sec_Fetch_Site="same-origin")
    assert org.admin.send(ours).status_code in list_successes(name)
    if name in TURNING:
        org.admin.post("/api/session/org", {"org_id": org.org_id})


def _origin(http: httpx.Client) -> str:
    return f"http://localhost:{http.base_url.port}"


@pytest.mark.parametrize("name", CHANGING)
def test_a_repeated_request_gets_the_first_answer(org: Console, name: str) -> None:
    person = org.another(Role.ADMIN)
    ask = ask_for(name, org, person).with_headers(Idempotency_Key=f"key-{name}-{time.time_ns()}")
    first, second = person.send(ask), person.send(ask)
    assert first.status_code in list_successes(name), first.text
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["idempotent-replayed"] == "true"
    if ask.body:
        changed = Ask(ask.method, ask.path, {**ask.body, "more": 1}, headers=ask.headers)
        assert_refused(person.send(changed), 409, "idempotency_mismatch")


@pytest.mark.parametrize("name", [name for name in CHANGING if OURS.body(OURS.operations[name])])
@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"{not json", "application/json", 400, "invalid_json"),
        (b"[]", "application/json", 400, "invalid_request"),
        (b"", "application/json", 400, "invalid_request"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b'{"a":"' + b"x" * MAX_BODY_BYTES + b'"}', "application/json", 413, "payload_too_large"),
    ],
    ids=["broken", "list", "empty", "text", "large"],
)
def test_an_invalid_body_is_refused(
    org: Console, name: str, content: bytes, media_type: str, status: int, code: str
) -> None:
    ask = refused_ask(name, org)
    headers = org.admin.headers | {"Content-Type": media_type}
    assert_refused(org.http.request(ask.method, ask.path, content=content, headers=headers), status, code)
