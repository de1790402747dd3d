"""The paged lists of the four documents, and how a test fills each with at least three entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from switchboard.aws.writes import commit
from switchboard.kit import clock, ids
from switchboard.widgets import session_store
from switchboard.widgets.models import Lead
from tests.contract.asks.campaigns import make_campaign
from tests.contract.console import next_number
from tests.contract.every import SPECS, Everyone, redeem
from tests.contract.spec import Operation, Spec
from tests.contract.world import MAIL, Ask, wait_for_status
from tests.unit.call_records.desk import save_call

#: The entries of a list that a test makes, at least.
FEWEST = 3
Fill = Callable[[Everyone, Ask], None]


class PagedList(NamedTuple):
    """A list of one document."""

    api: str
    operation: Operation

    @property
    def name(self) -> str:
        return f"{self.api}:{self.operation.id}"

    def filters(self) -> Iterator[dict[str, str]]:
        """Each value that the document allows for each of the list's filters."""
        spec: Spec = SPECS[self.api]
        for (place, name), parameter in spec.parameters(self.operation).items():
            if place == "query":
                for value in _values(spec, spec.resolve(parameter["schema"])):
                    yield {name: value}
        yield from _FILTERS.get(self.name, ())


def _values(spec: Spec, schema: dict[str, Any]) -> Iterator[str]:
    for one in (schema, *schema.get("anyOf", ()), schema.get("items", {})):
        yield from (str(value) for value in spec.resolve(one).get("enum", ()) if value is not None)


#: Filters without a list of values in the document.
_FILTERS: dict[str, list[dict[str, str]]] = {
    "anima:emailList": [{"label": "unread"}, {"status": "QUEUED", "direction": "INBOUND"}],
    "hum:listCalls": [
        *({"status": "completed"}, {"status": "busy"}, {"read": "unread"}, {"q": "4155550142"}),
        {"read": "unread", "direction": "inbound"},
    ],
    "hum:listContacts": [{"q": "grace"}, {"q": "grace hopper"}],
    "hum:listWebhookDeliveries": [{"event": "webhook.test"}, {"event": "sms.received"}],
}

LISTS = [
    PagedList(api, operation)
    for api, spec in SPECS.items()
    for operation in spec.operations.values()
    if {("query", "cursor"), ("query", "limit")} <= spec.parameters(operation).keys()
]


class Page(NamedTuple):
    """The entries of a response, and the cursor of the next page."""

    entries: list[Any]
    cursor: str | None


def first_ask(every: Everyone, listed: PagedList) -> Ask:
    """Returns the request of a list without a filter."""
    start = _STARTS.get(listed.name)
    made = start(every) if start else every.ask(listed.api, listed.operation.id)
    needed = {
        name: made.query[name]
        for (place, name), parameter in SPECS[listed.api].parameters(listed.operation).items()
        if place == "query" and parameter.get("required") and name in made.query
    }
    return replace(made, query=needed)


def read_page(every: Everyone, ask: Ask, **query: str) -> Page:
    """Reads a page. Checks that the response's parts agree with each other."""
    answer = replace(ask, query=ask.query | query).send(every.http)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    [entries] = [value for name, value in found.items() if isinstance(value, list) and name not in _ALSO]
    if pagination := found.get("pagination"):
        assert pagination["hasMore"] == (pagination["nextCursor"] is not None)
        return Page(entries, pagination["nextCursor"])
    [cursor] = [name for name in found if name in _CURSORS]
    return Page(entries, found[cursor])


_CURSORS = ("next_cursor", "nextCursor", "timeline_next_cursor")
#: Lists beside the entries of a page.
_ALSO = ("tags", "latest_views")


def _by(operation_id: str) -> Fill:
    """Fills by the request of another operation of the same API, which makes an entry."""

    def fill(every: Everyone, ask: Ask) -> None:
        _send(every, every.ask(_api_of(ask), operation_id))

    return fill


def _made_for(operation_id: str) -> Fill:
    """Fills by what another operation's request needs, without the request."""

    def fill(every: Everyone, ask: Ask) -> None:
        every.ask(_api_of(ask), operation_id)

    return fill


def _post(below: str, body: Callable[[], dict[str, Any]] = dict, drop: str = "") -> Fill:
    """Fills by a POST at the list's own path, without its last part `drop`, and with `below`."""

    def fill(every: Everyone, ask: Ask) -> None:
        path = ask.path.removesuffix(drop) + below
        _send(every, Ask("POST", path, body(), headers=ask.headers))

    return fill


def _send(every: Everyone, ask: Ask) -> None:
    answer = ask.send(every.http)
    assert answer.is_success, answer.text


def _api_of(ask: Ask) -> str:
    return "anima" if ask.path.startswith("/v1/") else "hum"


def _mixed_calls(every: Everyone, _: Ask) -> None:
    """Calls in both directions, so that a filter leaves some of them out."""
    save_call(every.company.org_id, direction="INBOUND", agent_id=every.company.agent_id)
    save_call(every.company.org_id, agent_id=every.company.agent_id)


def _change_flow(every: Everyone, ask: Ask) -> None:
    path = ask.path.removesuffix("/versions")
    _send(every, Ask("PATCH", path, {"greeting": f"Hello {next_number()}."}, headers=ask.headers))


def _pause_ai(every: Everyone, ask: Ask) -> None:
    for paused in (True, False):
        path = ask.path.removesuffix("/activity")
        _send(every, Ask("PATCH", path, {"ai_paused": paused}, headers=ask.headers))


def _fire(every: Everyone, ask: Ask) -> None:
    rotated = Ask("POST", ask.path.removesuffix("/firings") + "/rotate", headers=ask.headers).send(every.http)
    token = rotated.json()["token"]
    _send(every, Ask("POST", f"/api/triggers/inbound/{token}", {"phone": "+14155550142"}))


def _save_lead(every: Everyone, ask: Ask) -> None:
    token_id, now = ask.path.split("/")[3], clock.now_iso()
    ids_of = {"id": ids.new_id("led"), "org_id": every.company.org_id, "token_id": token_id, "call_id": "call_1"}
    commit(session_store.lead_write(Lead(**ids_of, name="Ada", origin="https://shop.example", created_at=now)))


def _no_more_rows(every: Everyone, ask: Ask) -> None:
    """Adds nothing: the campaign of `first_ask` has its rows."""


def _score(every: Everyone, ask: Ask) -> None:
    made = redeem(every, "rep_good").send(every.http).json()
    call = Ask("GET", f"/api/external/v1/calls/{made['callId']}", headers=every.tenant)
    wait_for_status(lambda: call.send(every.http), 200, seconds=60)


def _mail_of_workflow(every: Everyone, ask: Ask) -> None:
    headers = ask.headers | {"x-correlation-id": ask.query["correlation_id"]}
    _send(every, Ask("POST", "/v1/email/send", dict(MAIL), headers=headers))


def _campaign(every: Everyone) -> Ask:
    rows = [{"contact_e164": next_number(), "variables": {"name": "Ada"}} for _ in range(FEWEST)]
    made = make_campaign(every.hum, recipients=rows)
    return Ask("GET", f"/api/sms/campaigns/{made['id']}/recipients", headers=every.hum.admin.headers)


def _batch(every: Everyone) -> Ask:
    """A batch in which all rows but the first have a problem."""
    path, headers = f"/api/sms/campaigns/{make_campaign(every.hum)['id']}", every.hum.admin.headers
    row = f'{{"contact_e164": "{next_number()}"}}\n'.encode()
    lines = headers | {"content-type": "application/x-ndjson"}
    more = Ask("POST", f"{path}/recipients", content=row * (FEWEST + 1), headers=lines)
    made = more.send(every.http)
    assert made.is_success, made.text
    return Ask("GET", f"{path}/batches/{made.json()['id']}", headers=headers)


#: The requests of lists that get their entries when their object is made.
_STARTS: dict[str, Callable[[Everyone], Ask]] = {
    "hum:listSmsCampaignRecipients": _campaign,
    "hum:getSmsCampaignBatch": _batch,
}

#: How a list gets another entry. Called with the list's request.
FILLS: dict[str, Fill] = {
    "anima:agentList": _by("agentCreate"),
    "anima:keyList": _by("keyCreate"),
    "anima:optOutList": _by("optOutCreate"),
    "anima:blockList": _by("blockCreate"),
    "anima:consentList": _by("consentCreate"),
    "anima:emailList": _by("emailSend"),
    "anima:emailSuppressionList": _by("emailSuppressionAdd"),
    "anima:auditByCorrelation": _mail_of_workflow,
    "anima:voiceList": _mixed_calls,
    "anima:webhookList": _by("webhookCreate"),
    "anima:webhookDeadLetters": _by("webhookDeliveryGet"),
    "anima:webhookDeliveries": _by("webhookDeliveryGet"),
    "athos:listCalls": _score,
    "hum:listBlockedNumbers": _by("createBlockedNumber"),
    "hum:listContacts": _by("upsertContact"),
    "hum:listCalls": _mixed_calls,
    "hum:listVoicemails": _by("getVoicemail"),
    "hum:listSmsConversations": _by("createSmsConversation"),
    "hum:listSmsMessages": _post("", lambda: {"body": "Hello Ada."}),
    "hum:listSmsConversationActivity": _pause_ai,
    "hum:listSmsOptOuts": _by("createSmsOptOut"),
    "hum:listSmsScheduled": _made_for("cancelSmsScheduled"),
    "hum:listFlows": _by("createFlow"),
    "hum:listFlowVersions": _change_flow,
    "hum:listOutboundCalls": _by("createOutboundCall"),
    "hum:listNumbers": _by("buyNumber"),
    "hum:listSmsCampaigns": _by("createSmsCampaign"),
    "hum:listSmsCampaignRecipients": _no_more_rows,
    "hum:getSmsCampaignBatch": _no_more_rows,
    "hum:listInboundTriggers": _by("createInboundTrigger"),
    "hum:listTriggerFirings": _fire,
    "hum:listWidgetTokenLeads": _save_lead,
    "hum:listWebhooks": _by("createWebhook"),
    "hum:listWebhookDeliveries": _post("/test", drop="/deliveries"),
    "hum:listMcpToolApprovals": _made_for("getMcpToolApproval"),
}
