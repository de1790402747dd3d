"""Every operation over HTTP: a successful request, and each refusal that the document declares.

The client checks every response against the document, so that a test only has to produce the response.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import cache, partial
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from switchboard.accounts import credentials
from switchboard.accounts.models import KeyKind
from switchboard.webhooks.host_limits import MAX_OF_HOST
from tests.contract.spec import METHODS, ORACLE, STREAM, Json, Operation, Spec
from tests.contract.world import CALL, GOOD, MAIL, OURS, Ask, Organization, sign_up_body, unused_number, wait_for_status

CONTRACT = Spec.read(ORACLE / "anima.json")
KNOWN = sorted(OURS.operations)
#: Internal errors, which a healthy stack does not give, and a limit that is set too high in this stack:
#: test_anima_faults.py tests them.
ELSEWHERE = {500, 503}
FAULTS = {("agentSignUp", 429)}
DECLARED = [
    (name, status)
    for name in KNOWN
    for status in sorted(OURS.operations[name].statuses - ELSEWHERE)
    if status >= 400 and (name, status) not in FAULTS
]


def test_there_is_a_request_for_every_operation() -> None:
    assert GOOD.keys() == set(KNOWN)


@pytest.mark.parametrize("name", KNOWN)
def test_a_valid_request_succeeds(demo: Organization, name: str) -> None:
    answer = GOOD[name](demo).send(demo.http)
    expected = next(status for status in OURS.operations[name].statuses if status < 300)
    assert answer.status_code == expected, answer.text
    if name in CONTRACT.operations:
        for content in CONTRACT.answer(CONTRACT.operations[name], expected).get("content", {}).values():
            streams = answer.headers["content-type"] == STREAM
            assert not CONTRACT.errors(content["schema"], answer.text if streams else answer.json())


@cache
def _prepare_ask(org: Organization, name: str) -> Ask:
    return GOOD[name](org)


def refused_ask(org: Organization, name: str) -> Ask:
    """A successful request, for a test that makes the organization's request be refused.

    Its objects are prepared once, because a refused request changes none.
    """
    ask = _prepare_ask(org, name)
    return replace(ask, body=deepcopy(ask.body), query=dict(ask.query))


# Refusals that any operation may give.


def ask_with_invalid_value(org: Organization, ask: Ask) -> httpx.Response:
    return ask.with_headers(x_correlation_id="two words").send(org.http)


def ask_without_key(org: Organization, ask: Ask) -> httpx.Response:
    return ask.with_headers(Authorization=None).send(org.http)


def ask_with_used_key(org: Organization, ask: Ask) -> httpx.Response:
    """An Idempotency-Key that another request of the same actor has used."""
    key = secrets.token_urlsafe(24)
    by = ask.headers.get("Authorization")
    other = GOOD["agentSignUp" if by is None else "emailSend" if ask.headers == org.agent else "keyCreate"](org)
    assert other.body is not None
    other.body["subject" if "subject" in other.body else "name"] = "another"
    assert other.with_headers(Idempotency_Key=key).send(org.http).is_success
    return ask.with_headers(Idempotency_Key=key).send(org.http)


def too_large(org: Organization, ask: Ask) -> httpx.Response:
    return ask.with_headers(Content_Type="application/json").send(org.http, content=b" " * (1_048_576 + 1))


def ask_for_foreign_object(org: Organization, ask: Ask) -> httpx.Response:
    return ask.with_headers(Content_Type="text/plain").send(org.http, content=b"{}")


ANYWHERE: dict[int, Callable[[Organization, Ask], httpx.Response]] = {
    400: ask_with_invalid_value,
    401: ask_without_key,
    409: ask_with_used_key,
    413: too_large,
    415: ask_for_foreign_object,
}

# Refusals of single operations.


def ask_at_cap(org: Organization) -> Ask:
    cap = {"enabled": True, "monthlyCapCents": 0}
    assert org.http.put("/v1/billing/hard-cap", json=cap, headers=org.master).status_code == 200
    wait_for_status(lambda: GOOD["emailSend"](org).send(org.http), 402)
    return GOOD["emailSend"](org)


def create_agent_beyond_plan(org: Organization) -> Ask:
    for _ in range(2):  # the free plan's three, with the first
        assert GOOD["agentCreate"](org).send(org.http).status_code == 201
    return GOOD["agentCreate"](org)


def unknown_webhook(method: str, path: str, body: dict[str, Any] | None, org: Organization) -> Ask:
    return Ask(method, f"/v1/webhooks/{path}", body, headers=org.master)


def create_webhook_beyond_limit(org: Organization) -> Ask:
    for _ in range(MAX_OF_HOST):
        assert GOOD["webhookCreate"](org).send(org.http).status_code == 201
    return GOOD["webhookCreate"](org)


def move_webhook_beyond_limit(org: Organization) -> Ask:
    create_webhook_beyond_limit(org)
    full = GOOD["webhookCreate"](org).body
    assert full is not None
    made = Ask("POST", "/v1/webhooks", {**full, "url": "https://other.example/"}, headers=org.master).send(org.http)
    return Ask("PATCH", f"/v1/webhooks/{made.json()['id']}", {"url": full["url"]}, headers=org.master)


OWN: dict[tuple[str, int], Callable[[Organization], Ask]] = {
    ("optOutDelete", 404): lambda org: Ask("DELETE", f"/v1/compliance/opt-outs/{unused_number()}", headers=org.master),
    ("blockDelete", 404): lambda org: Ask("DELETE", f"/v1/compliance/blocks/{unused_number()}", headers=org.master),
    ("consentDelete", 404): lambda org: Ask("DELETE", f"/v1/compliance/consents/{unused_number()}", headers=org.master),
    ("emailSend", 402): ask_at_cap,
    ("agentCreate", 402): create_agent_beyond_plan,
    ("emailSend", 404): lambda org: Ask("POST", "/v1/email/send", MAIL | {"inReplyTo": "msg_none"}, headers=org.agent),
    ("emailList", 404): lambda org: Ask("GET", "/v1/email/messages", query={"agentId": "agt_none"}, headers=org.agent),
    ("emailLabel", 404): lambda org: Ask(
        "POST", "/v1/email/messages/msg_none/labels", {"add": ["read"]}, headers=org.agent
    ),
    ("emailAttachment", 404): lambda org: Ask(
        "GET", "/v1/email/messages/msg_none/attachments/att_none", headers=org.agent
    ),
    ("emailGet", 404): lambda org: Ask("GET", "/v1/email/messages/msg_none", headers=org.agent),
    ("emailSuppressionLift", 404): lambda org: Ask(
        "DELETE", "/v1/email/suppressions/a@example.com", headers=org.master
    ),
    ("emailUnsubscribe", 404): lambda _: Ask("POST", "/v1/email/unsubscribe/none"),
    ("emailUnsubscribePage", 404): lambda _: Ask("GET", "/v1/email/unsubscribe/none"),
    ("auditByCorrelation", 404): lambda org: Ask(
        "GET", "/v1/audit/events", query={"correlation_id": "none"}, headers=org.agent
    ),
    ("eventsStream", 404): lambda org: Ask(
        "GET", "/v1/events/stream", query={"agent_id": "agt_none"}, headers=org.master
    ),
    ("voicePlace", 402): lambda org: Ask("POST", "/v1/voice/calls", CALL | {"tier": "premium"}, headers=org.agent),
    ("voicePlace", 404): lambda org: Ask("POST", "/v1/voice/calls", CALL | {"agentId": "agt_none"}, headers=org.master),
    ("voiceList", 404): lambda org: Ask("GET", "/v1/voice/calls", query={"agentId": "agt_none"}, headers=org.agent),
    ("voiceGet", 404): lambda org: Ask("GET", "/v1/voice/calls/call_none", headers=org.agent),
    ("voiceTranscript", 404): lambda org: Ask("GET", "/v1/voice/calls/call_none/transcript", headers=org.agent),
    ("voiceVerdict", 404): lambda org: Ask("GET", "/v1/voice/calls/call_none/verdict", headers=org.agent),
    ("agentGet", 404): lambda org: Ask("GET", "/v1/agents/agt_none", headers=org.agent),
    ("keyCreate", 404): lambda org: Ask("POST", "/v1/keys", {"name": "x", "agentId": "agt_none"}, headers=org.master),
    ("keyRotate", 404): lambda org: Ask("POST", "/v1/keys/key_none/rotate", {}, headers=org.master),
    ("webhookCreate", 402): create_webhook_beyond_limit,
    ("webhookUpdate", 402): move_webhook_beyond_limit,
    **{
        (name, 404): partial(unknown_webhook, method, path, body)
        for name, method, path, body in (
            ("webhookGet", "GET", "wh_none", None),
            ("webhookUpdate", "PATCH", "wh_none", {"label": "Ours"}),
            ("webhookDelete", "DELETE", "wh_none", None),
            ("webhookRotate", "POST", "wh_none/rotate", None),
            ("webhookReenable", "POST", "wh_none/reenable", None),
            ("webhookTest", "POST", "wh_none/test", None),
            ("webhookRecover", "POST", "wh_none/recover", {"since": "2026-01-15T00:00:00Z"}),
            ("webhookDeliveries", "GET", "wh_none/deliveries", None),
            ("webhookDeliveryGet", "GET", "deliveries/dlv_none", None),
            ("webhookReplay", "POST", "deliveries/dlv_none/replay", None),
        )
    },
    ("keyRevoke", 404): lambda org: Ask("DELETE", "/v1/keys/key_none", headers=org.master),
}


@pytest.mark.parametrize(("name", "status"), [one for one in DECLARED if one[1] in ANYWHERE])
def test_the_pipelines_refusals_are_given(demo: Organization, name: str, status: int) -> None:
    assert ANYWHERE[status](demo, refused_ask(demo, name)).status_code == status


@pytest.mark.parametrize(("name", "status"), [one for one in DECLARED if one[1] in (402, 404)])
def test_specific_refusals_of_each_operation_are_given(acme: Organization, name: str, status: int) -> None:
    assert OWN[name, status](acme).send(acme.http).status_code == status


@pytest.mark.parametrize("name", [name for name, status in DECLARED if status == 403])
def test_a_suspended_organization_is_refused(demo: Organization, suspended: Organization, name: str) -> None:
    ask = refused_ask(demo, name).with_headers(Authorization=f"Bearer {suspended.master_key}")
    assert wait_for_status(lambda: ask.send(demo.http), 403).json()["code"] == "FORBIDDEN"


#: A person who clicks the link has no key. The limits of strangers are by address and are tested at the edge.
_BY_ADDRESS = ("emailUnsubscribe", "emailUnsubscribePage")


@pytest.mark.parametrize("name", [name for name, status in DECLARED if status == 429 and name not in _BY_ADDRESS])
def test_the_minutes_limit_holds_everywhere(demo: Organization, exhausted: Organization, name: str) -> None:
    # Also with an agent's key where only a master key may: a forbidden request counts against the limit, too.
    ask = refused_ask(demo, name).with_headers(Authorization=f"Bearer {exhausted.agent_key}")
    for _ in range(200):  # The limit is 60 a minute, and a new minute may begin during the test.
        answer = ask.send(demo.http)
        if answer.status_code == 429:
            break
    assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMIT")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.json()["details"] == {"limit": 60, "remaining": 0, "retryAfter": int(answer.headers["retry-after"])}


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        ("+15005550004", 403, "TCPA_GATE_BLOCKED"),
        ("+15005550020", 403, "TCPA_GATE_BLOCKED"),
        ("+15005550021", 403, "RND_GATE_BLOCKED"),
        ("+15005550024", 403, "QUIET_HOURS_BLOCKED"),
        ("+15005550013", 503, "SERVICE_UNAVAILABLE"),
    ],
)
def test_the_gate_and_the_provider_refuse_calls(demo: Organization, number: str, status: int, code: str) -> None:
    answer = demo.http.post("/v1/voice/calls", json=CALL | {"to": number}, headers=demo.agent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("stated", [{}, {"consent_source": None}, {"consent_source": "a hunch"}])
def test_the_gate_refuses_and_records_a_call_without_a_known_consent(
    acme: Organization, stated: dict[str, Any]
) -> None:
    workflow = f"consent-{secrets.token_hex(4)}"
    call = CALL | {"to": unused_number(), "metadata": stated}
    answer = acme.http.post("/v1/voice/calls", json=call, headers=acme.agent | {"x-correlation-id": workflow})
    assert (answer.status_code, answer.json()["code"]) == (403, "TCPA_GATE_BLOCKED")
    assert answer.json()["details"]["gate"] == "consent"
    events = acme.http.get("/v1/audit/events", params={"correlation_id": workflow}, headers=acme.agent).json()
    assert [event["action"] for event in events["events"]] == ["voice.call.blocked"]


def test_every_declared_refusal_is_tested() -> None:
    tested = {(name, status) for name, status in DECLARED if status in ANYWHERE or status in (403, 429)} | OWN.keys()
    assert tested == set(DECLARED)


# Input, field by field, as the document's schemas have it.


def list_body_operations() -> Iterator[Operation]:
    return (operation for operation in OURS.operations.values() if OURS.body(operation))


def list_required_fields() -> Iterator[tuple[str, str]]:
    for operation in list_body_operations():
        yield from ((operation.id, name) for name in OURS.body(operation).get("required", []))


#: A missing statement of consent is refused by the gate, not by the parser.
OF_THE_GATE = ("voicePlace", "metadata", {"member": 7})


def list_mistyped_values() -> Iterator[Any]:
    """Values that a property's schema does not allow."""
    for operation in list_body_operations():
        for name, schema in OURS.body(operation)["properties"].items():
            for value in (None, True, 7, 3.5, "text", "", ["text"], [7], {"member": 7}):
                if not _allows(schema, value) and (operation.id, name, value) != OF_THE_GATE:
                    yield pytest.param(operation.id, name, value, id=f"{operation.id}-{name}-{value!r}")


def _allows(schema: Json, value: Any) -> bool:
    return not OURS.errors(schema, value)


@pytest.mark.parametrize(("name", "field"), list(list_required_fields()))
def test_a_missing_field_is_named(demo: Organization, name: str, field: str) -> None:
    ask = refused_ask(demo, name)
    assert ask.body is not None
    del ask.body[field]
    answer = ask.send(demo.http)
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")
    assert list(answer.json()["details"]["fields"]) == [field]


@pytest.mark.parametrize(("name", "field", "value"), list(list_mistyped_values()))
def test_a_value_of_the_wrong_type_is_refused(demo: Organization, name: str, field: str, value: Any) -> None:
    ask = refused_ask(demo, name)
    assert ask.body is not None
    ask.body[field] = value
    answer = ask.send(demo.http)
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR"), answer.text
    # The agent and the key's type are validated together.
    assert any(name.startswith(field) for name in answer.json()["details"]["fields"]), answer.text


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"to": "friend"}, {"to": "An email address must have an @-sign."}),
        ({"to": []}, {"to": "is empty: send at least one address"}),
        ({"to": ["you@example.com", "friend"]}, {"to.1": "An email address must have an @-sign."}),
        ({"to": 7}, {"to": "must be a list"}),
        ({"attachments": [{}]}, {"attachments": "is not supported: omit this field"}),
        ({"headers": {"X-One": "1", "x-one": "2"}}, {"headers": "a header occurs twice: send each header once"}),
        (
            {"headers": {"Reply-To": "support@"}},
            {
                "headers": "Reply-To is not a list of addresses: send for example support@example.com, "
                "Sales <sales@example.com>"
            },
        ),
        ({"body": 7}, {"body": "must be a text"}),
    ],
)
def test_an_error_names_its_field(demo: Organization, change: Json, fields: Json) -> None:
    mail = {"to": "you@example.com", "subject": "Hello", "body": "Hello."} | change
    answer = demo.http.post("/v1/email/send", json=mail, headers=demo.agent)
    assert (answer.status_code, answer.json()["details"]["fields"]) == (400, fields)


@pytest.mark.parametrize(
    "change",
    [{"to": [0] * 40_000}, {"cc": ["no"] * 40_000}, {"headers": {f"X-{number}": 0 for number in range(40_000)}}],
)
def test_the_number_of_reported_errors_is_bounded(demo: Organization, change: Json) -> None:
    mail = {"to": "you@example.com", "subject": "Hello", "body": "Hello."} | change
    key = {"Idempotency-Key": uuid.uuid4().hex}
    answer = demo.http.post("/v1/email/send", json=mail, headers=demo.agent | key)
    assert (answer.status_code, len(answer.content) < 20_000) == (400, True)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"text"', b"7"])
@pytest.mark.parametrize("name", [operation.id for operation in list_body_operations()])
def test_a_body_other_than_an_object_is_refused(demo: Organization, name: str, body: bytes) -> None:
    ask = refused_ask(demo, name).with_headers(Content_Type="application/json")
    assert ask.send(demo.http, content=body).status_code == 400


@pytest.mark.parametrize(
    "username", ["Shopping", "shopping_agent", "shopping agent", "shöpping", "shopping.agent", "a\n"]
)
def test_a_username_outside_the_contracts_pattern_is_refused(http: httpx.Client, username: str) -> None:
    pattern = CONTRACT.body(CONTRACT.operations["agentSignUp"])["properties"]["username"]
    assert username.endswith("\n") or not Draft202012Validator(pattern).is_valid(username)
    answer = http.post("/v1/agent/sign-up", json=sign_up_body() | {"username": username})
    assert (answer.status_code, list(answer.json()["details"]["fields"])) == (400, ["username"])


def list_bad_queries() -> Iterator[Any]:
    """Values that a query parameter's schema does not allow."""
    for operation in OURS.operations.values():
        for (place, name), parameter in OURS.parameters(operation).items():
            if place != "query":
                continue
            schema = parameter["schema"]
            numeric = schema.get("type") == "integer"
            edges = [schema[key] + step for key, step in (("minimum", -1), ("maximum", 1)) if key in schema]
            values = ["text", "1.5", "", *map(str, edges)] if numeric else ["", "text", "x" * 200]
            for value in values:
                if numeric or not _allows(schema, value):
                    yield pytest.param(operation.id, name, value, id=f"{operation.id}-{name}-{value[:10]!r}")


@pytest.mark.parametrize(("name", "parameter", "value"), list(list_bad_queries()))
def test_a_query_parameter_outside_its_schema_is_refused(
    demo: Organization, name: str, parameter: str, value: str
) -> None:
    ask = refused_ask(demo, name)
    ask.query[parameter] = value
    answer = ask.send(demo.http)
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR"), answer.text
    assert list(answer.json()["details"]["fields"]) == [parameter]


def test_a_missing_correlation_id_is_named(demo: Organization) -> None:
    answer = demo.http.get("/v1/audit/events", headers=demo.agent)
    assert (answer.status_code, list(answer.json()["details"]["fields"])) == (400, ["correlation_id"])


def test_a_forged_cursor_is_refused(demo: Organization) -> None:
    for name in ("emailList", "agentList", "keyList", "auditByCorrelation"):
        ask = refused_ask(demo, name)
        ask.query["cursor"] = "AAAA"
        assert ask.send(demo.http).status_code == 400, name


# Authentication and paths.

UNKNOWN = {kind: credentials.mint_key(kind, bytes(32)).text for kind in (KeyKind.AGENT, KeyKind.MASTER, KeyKind.ATHOS)}


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer nonsense",
        "Bearer ak_tooshort",
        f"Bearer {UNKNOWN[KeyKind.AGENT]}",
        f"Bearer {UNKNOWN[KeyKind.MASTER]}",
        f"Bearer {UNKNOWN[KeyKind.ATHOS]}",
        f"Basic {UNKNOWN[KeyKind.AGENT]}",
    ],
)
@pytest.mark.parametrize("name", [name for name, status in DECLARED if status == 401])
def test_a_bad_key_is_refused_everywhere(demo: Organization, name: str, authorization: str) -> None:
    answer = refused_ask(demo, name).with_headers(Authorization=authorization).send(demo.http)
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("path", sorted({operation.path for operation in OURS.operations.values()}))
def test_an_unsupported_method_is_405(http: httpx.Client, path: str) -> None:
    real = path.replace("{", "").replace("}", "")
    allowed = sorted(operation.method for operation in OURS.at(real))
    for method in {method.upper() for method in METHODS} - set(allowed):
        answer = http.request(method, real)
        assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
        assert answer.headers["allow"] == ", ".join(allowed)


# The correlation id.


@pytest.mark.parametrize("name", KNOWN)
def test_the_correlation_id_of_the_header_is_returned(demo: Organization, name: str) -> None:
    given = secrets.token_hex(8)
    answer = GOOD[name](demo).with_headers(x_correlation_id=given).send(demo.http)
    assert answer.headers["x-correlation-id"] == given
    refused = refused_ask(demo, name).with_headers(x_correlation_id=given, Authorization="Bearer no").send(demo.http)
    assert refused.headers["x-correlation-id"] == given


@pytest.mark.parametrize("field", ["correlation_id", "correlationId"])
def test_the_correlation_id_of_the_body_is_returned_unless_the_header_has_one(demo: Organization, field: str) -> None:
    ask = GOOD["emailSend"](demo)
    assert ask.body is not None
    ask.body[field] = "from-the-body"
    assert ask.send(demo.http).headers["x-correlation-id"] == "from-the-body"
    answer = ask.with_headers(x_correlation_id="from-the-header").send(demo.http)
    assert answer.headers["x-correlation-id"] == answer.json()["correlationId"] == "from-the-header"


def test_each_request_without_a_correlation_id_gets_a_new_one(demo: Organization) -> None:
    answers = [GOOD["tierGet"](demo).send(demo.http) for _ in range(2)]
    for header in ("x-correlation-id", "x-request-id"):
        assert len({answer.headers[header] for answer in answers}) == 2
