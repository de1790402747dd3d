"""A back end that calls OptiComm's one path, in this process: every response is checked against both documents."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import httpx

from functions.opticomm.external_api import handler
from infra import openapi, topology
from infra.local.pool import Context
from switchboard.accounts import keys
from switchboard.accounts.models import ApiKey, KeyKind, KeyRestrictions
from switchboard.aws.writes import commit
from switchboard.events.models import Actor, SystemActor
from switchboard.flows import service as flows
from switchboard.flows.models import Flow, FlowSettings
from switchboard.kit import ids
from tests.actors import Tenant, tenant
from tests.contract.spec import ORACLE, Spec

PATH = "/functions/v1/external-api"
OURS = Spec.read(openapi.FOLDER / "opticomm.json")
CONTRACT = Spec.read(ORACLE / "opticomm.json")
_SCHEMAS = CONTRACT.document["components"]["schemas"]
#: A number that reaches nobody, so that it may be called at any hour.
NOBODY = "+14155550142"


@dataclass(frozen=True)
class Backend:
    """A client with a key."""

    company: Tenant
    key: ApiKey
    text: str
    flow: Flow

    def ask(self, body: Any, *, source_ip: str = "203.0.113.7", **headers: str) -> httpx.Response:
        """The response to a body. Text is sent unchanged."""
        sent = {"X-API-Key": self.text, "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return post(body if isinstance(body, str) else json.dumps(body), sent, source_ip)

    def initiate(self, **changes: Any) -> httpx.Response:
        """The response to a requested call. A field with the value None is left out."""
        body = {"action": "initiate_call", "agent_id": self.flow.id, "phone_number": NOBODY} | changes
        return self.ask({name: value for name, value in body.items() if value is not None})

    def check(self, **named: str) -> httpx.Response:
        """The answer to a question about a call."""
        return self.ask({"action": "check_status"} | named)

    def with_key(self, kind: KeyKind | None = None, **options: Any) -> Backend:
        """The same company with another key."""
        key, text = make_key(self.company.org_id, kind or self.key.kind, **options)
        return replace(self, key=key, text=text)


def post(body: str, headers: dict[str, str], source_ip: str = "203.0.113.7") -> httpx.Response:
    """The response of the function, checked against the document and the contract."""
    event = {
        "httpMethod": "POST",
        "path": PATH,
        "headers": headers,
        "queryStringParameters": None,
        "requestContext": {"identity": {"sourceIp": source_ip}},
        "body": body or None,
    }
    answer: dict[str, Any] = handler.handler(event, Context(topology.function("opticomm/external_api")))
    response = httpx.Response(
        answer["statusCode"],
        headers=answer["headers"],
        text=answer["body"],
        request=httpx.Request("POST", f"http://local{PATH}"),
    )
    OURS.check(response)
    check_contract(response)
    return response


def check_contract(response: httpx.Response) -> None:
    """Assert that a response is one of the contract's."""
    match response.status_code:
        case 200:
            name = "InitiateCallResponse" if "duplicate" in response.json() else "CheckStatusResponse"
        case 429:
            name = "RateLimitResponse"
        case _:
            name = "ErrorResponse"
    # OpenAPI 3.0's `nullable` means nothing to JSON Schema.
    shown = {name: value for name, value in response.json().items() if value is not None}
    assert not CONTRACT.errors(_SCHEMAS[name], shown)


def origin(org_id: str) -> SystemActor:
    """The origin of an operator who sets up a company."""
    return SystemActor(
        org_id=org_id, actor=Actor(type="system", id="test"), agent_id=None, correlation_id=ids.new_id("corr")
    )


def make_key(
    org_id: str, kind: KeyKind, *, scopes: tuple[str, ...] = (), expires_at: str | None = None, **restrictions: Any
) -> tuple[ApiKey, str]:
    """A key, and its text."""
    made, writes = keys.key_writes(
        origin(org_id),
        kind,
        "back end",
        scopes=scopes,
        expires_at=expires_at,
        restrictions=KeyRestrictions(**restrictions),
    )
    commit(writes)
    return made.key, made.text


def make_flow(org_id: str, **changes: Any) -> Flow:
    """An outbound flow with its own consent."""
    settings = {
        "name": "Ada",
        "kind": "outbound",
        "greeting": "Hello {{customer_name}}.",
        "consent_source": "opt-in:web-form",
        "consent_date": "2025-12-01",
    }
    return flows.create_flow(origin(org_id), FlowSettings.model_validate(settings | changes))


def backend(kind: KeyKind = KeyKind.OPTICOMM_LIVE, slug: str = "acme", **limits: Any) -> Backend:
    """A company with a flow and a key."""
    company = tenant(slug, **limits)
    key, text = make_key(company.org_id, kind)
    return Backend(company, key, text, make_flow(company.org_id))


def code(response: httpx.Response) -> tuple[int, str]:
    """An answer's status, and its error."""
    return response.status_code, response.json().get("error", "")
