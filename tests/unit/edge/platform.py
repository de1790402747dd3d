"""Every operation of every API, called in this process with a valid credential."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote

import httpx

from functions.streams.anima import api as streams
from infra import openapi, resources, topology
from infra.local.pool import Context
from switchboard.accounts import keys as accounts_keys
from switchboard.accounts import organizations
from switchboard.accounts.models import KeyKind
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit
from switchboard.carriers.numbers import get_inventory
from switchboard.carriers.numbers.ports.inventory import NumberSettings
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.edge.api import Api
from switchboard.edge.bodies import RawBody
from switchboard.edge.router import Operation
from switchboard.people.sessions import open_session
from switchboard.roleplay import sessions
from switchboard.widgets.models import WidgetToken
from tests.actors import Reseller, Tenant, member, system, tenant
from tests.contract.spec import Spec, alternatives
from tests.unit.billing.customer import Customer
from tests.unit.calls.console_calls import save_flow, save_number
from tests.unit.opticomm.backend import make_flow
from tests.unit.widgets.desk import SHOP as PAGE
from tests.unit.widgets.desk import make_flow as make_answering_flow
from tests.unit.widgets.desk import make_token, start

DOCUMENTS = {name: Spec.read(openapi.FOLDER / f"{name}.json") for name in openapi.DESCRIPTIONS}
_LIMITLESS = {"requests_per_minute": 1_000_000, "requests_per_second": 1_000_000}
_VARIABLE = re.compile(r"<(\w+)>")


def _shape(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


@dataclass(frozen=True)
class Route:
    """An operation, its group, and its description in the document."""

    api: Api
    group: resources.Group
    operation: Operation

    @property
    def spec(self) -> Spec:
        return DOCUMENTS[self.api.dialect.name]

    @property
    def template(self) -> str:
        return _VARIABLE.sub(r"{\1}", self.operation.path)

    @property
    def name(self) -> str:
        return f"{self.operation.method} {self.template}"

    @property
    def documented(self) -> Any:
        """The operation in the document."""
        # The document has the contract's names of path variables, and the routes have their own.
        here = (self.operation.method, _shape(self.template))
        return next(one for one in self.spec.operations.values() if (one.method, _shape(one.path)) == here)

    def parts(self) -> list[Any]:
        """Returns the schema of the body, or the schemas of its alternatives."""
        return alternatives(self.spec, self.spec.body(self.documented))

    def at(self, value: str) -> str:
        """Returns the path with the same text for each of its variables."""
        return _VARIABLE.sub(lambda _: value, self.operation.path)


def list_routes() -> list[Route]:
    """Returns every operation that is registered and documented."""
    found = []
    for group in (group for group in topology.GROUPS if group.api in DOCUMENTS):
        for api in openapi.groups(group.api):
            if group.name != "portal" and _serves(group, api):
                found += [Route(api, group, operation) for operation in api.router.operations]
    return found


def _serves(group: resources.Group, api: Api) -> bool:
    return group.name == "streams" if api is streams else group.name == f"{api.dialect.name}/{api.group}"


@dataclass
class Platform:
    """An organization with a credential of every kind, and without rate limits."""

    tenant: Tenant
    keys: dict[str, str]
    cookie: str
    flow_id: str
    asked: int = field(default=0)
    text_number_id: str = ""
    widget: WidgetToken | None = None
    visit: str = ""

    @classmethod
    def open(cls) -> Platform:
        """Create a new organization."""
        made = tenant(plan=PlanName.ENTERPRISE, **_LIMITLESS)
        keys = {"agent": made.agent_key, "master": made.master_key}
        for name, kind in (("opticomm", KeyKind.OPTICOMM_TEST), ("athos", KeyKind.ATHOS)):
            key, writes = accounts_keys.key_writes(system(made.org_id), kind, name)
            commit(writes)
            keys[name] = key.text
        flow = make_flow(made.org_id)
        admin = member(made.org_id, name="Grace")
        return cls(made, keys, str(open_session(admin.user, made.org_id)), flow.id)

    def example_body(self, route: Route) -> dict[str, Any]:
        """Returns a valid body: the example of the document, with the ids of this organization."""
        if route.group.name == "hum/billing":
            self._prepare_payments(subscribed=route.operation.method == "PATCH")
        schema = route.spec.body(route.documented)
        shown = next((part["examples"][0] for part in route.parts() if part.get("examples")), {}) if schema else {}
        own = {"agentId": self.tenant.agent_id, "agent_id": self.flow_id, "org_id": self.tenant.org_id}
        if {"sid", "e164"} <= shown.keys():
            own |= {"sid": self._own_number(shown["e164"]), "flow_id": None}
        elif "twilio_number_id" in shown:
            own["twilio_number_id"] = self._text_number()
        elif shown.get("flow_id"):
            own["flow_id"] = save_flow(self.tenant.org_id).id
        return {name: own.get(name, value) for name, value in shown.items()}

    def _own_number(self, e164: str) -> str:
        """Returns the provider's id of a number that the organization has there."""
        inventory = get_inventory()
        found = inventory.find(self.tenant.org_id, e164) or inventory.buy(
            self.tenant.org_id, e164, NumberSettings("Main line")
        )
        return found.sid

    def _text_number(self) -> str:
        """Returns the id of a number of the organization that sends texts."""
        self.text_number_id = self.text_number_id or save_number(self.tenant.org_id).id
        return self.text_number_id

    def _prepare_payments(self, *, subscribed: bool) -> None:
        """Gives the organization a plan that is not by agreement, and a subscription if it needs one."""
        customer = Customer(self.tenant)
        if customer.org.plan is PlanName.ENTERPRISE:
            organizations.set_plan(self.tenant.caller(master=True), PlanName.FREE)
        if subscribed and customer.org.plan is PlanName.FREE:
            customer.subscribe()

    def credentials(self, route: Route) -> dict[str, str]:
        """Returns the headers that authorize the operation."""
        match route.api.dialect.name:
            case "anima":
                key = self.keys["master" if route.operation.keys else "agent"]
                return {"authorization": f"Bearer {key}"}
            case "opticomm":
                return {"x-api-key": self.keys["opticomm"]}
            case "athos":
                if route.operation.scheme:
                    reseller = Reseller(self.tenant, self.keys["athos"])
                    return {"authorization": f"Bearer {sessions.mint_session(reseller.caller(), 'rep', None).token}"}
                return {"authorization": f"Bearer {self.keys['athos']}"}
            case _ if route.operation.scheme and route.operation.cross_origin:
                return {"origin": PAGE, "authorization": f"Bearer {self._page_credential(route)}"}
            case _:
                return {"cookie": f"{COOKIE}={self.cookie}"}

    def _page_credential(self, route: Route) -> str:
        """Returns the credential of a partner's page: the key of a widget, or the token of a session."""
        self.widget = self.widget or make_token(make_answering_flow(self.tenant.org_id), allowed_origins=[PAGE])
        if route.operation.scheme and route.operation.scheme.name == "WidgetKey":
            return self.widget.public_key
        self.visit = self.visit or start(self.widget, name="Ada").token
        return self.visit

    def ask(
        self, route: Route, path: str, body: str | None = None, query: str = "", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Returns the answer after a check that the document allows it and that it is not a server error."""
        self.asked += 1
        kind = route.operation.body
        own_type = {"content-type": min(kind.types)} if isinstance(kind, RawBody) and kind.types else {}
        sent = self.credentials(route) | own_type | (headers or {})
        parameters = parse_qs(query, keep_blank_values=True)
        event = {
            "httpMethod": route.operation.method,
            "path": path,
            "headers": sent,
            "multiValueHeaders": {name: [value] for name, value in sent.items()},
            "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
            "multiValueQueryStringParameters": parameters or None,
            # The limit of anonymous requests is by address: each request has another address.
            "requestContext": {"identity": {"sourceIp": f"198.51.{self.asked // 250 % 250}.{self.asked % 250}"}},
            "body": body,
        }
        answer = route.api.handler(event, Context(route.group))
        response = httpx.Response(
            answer["statusCode"],
            headers=answer["headers"],
            text=answer["body"],
            request=httpx.Request(route.operation.method, f"http://local{route.at('x')}"),
        )
        assert response.status_code < 500, f"{route.name}: {answer}"
        if response.headers.get("content-type") != "text/event-stream":
            route.spec.check(response)
        return response


def odd_texts() -> Iterator[tuple[str, str]]:
    """Yields texts that are not a valid id or list value, each with its name."""
    yield "1500", "x" * 1_500
    yield "3000", "x" * 3_000
    yield "wide", "é" * 700
    yield from {
        "nul": "a\x00b",
        "line end": "a\r\nb",
        "emoji": "👩‍👧",
        "slash": "a/b",
        "backtick": "a`b",
        "quote": 'a"b',
        "backslash": "a\\b",
        "percent": "100%",
        "dots": "..",
        "blank": " ",
        "hash": "a#b",
        "bidi": "\u202eabc",
    }.items()


def encode_text(text: str) -> str:
    """Encodes a text for a path or a query."""
    return quote(text, safe="")
