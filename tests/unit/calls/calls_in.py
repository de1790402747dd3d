"""Calls in for tests: a number with a flow, and a line that posts signed forms to the real function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from functions.callbacks.twilio import handler
from switchboard.accounts import organizations
from switchboard.aws import clients
from switchboard.calls import inbound, reports, store
from switchboard.calls.models import Call
from switchboard.carriers.numbers.ports.inventory import NumberSearch
from switchboard.carriers.voice.ports.reports import REPORTS_QUEUE, Report
from switchboard.carriers.voice.simulator import twiml_reader
from switchboard.carriers.voice.twilio import accounts
from switchboard.flows import assignments
from switchboard.flows import service as flows
from switchboard.flows.models import Flow, FlowSettings
from switchboard.kit import clock
from switchboard.numbers import available
from switchboard.numbers.models import Number
from switchboard.numbers.purchases import NumberOrder
from tests.actors import Tenant, system
from tests.integration.sabotage import drain_queue
from tests.unit.edge.asking import Answer, send_request

CALLER = "+14155550142"
BASE_URL = "http://localhost:8080"
FORM = "application/x-www-form-urlencoded"
CLOSED = {"monday": [{"start": "00:00", "end": "00:01"}]}


def make_flow(acme: Tenant, **given: Any) -> Flow:
    settings = FlowSettings.model_validate({"name": "Front desk", "kind": "inbound", "greeting": "Hello."} | given)
    return flows.create_flow(acme.caller(master=True), settings)


def make_number(acme: Tenant, flow: Flow | None = None, place: int = 0) -> Number:
    offered = available.search_available_numbers(NumberSearch(limit=place + 1))[place].number.e164
    return assignments.buy_number(acme.caller(master=True), NumberOrder(offered, flow_id=flow.id if flow else None))


def make_line(acme: Tenant, **given: Any) -> Line:
    return Line(make_number(acme, make_flow(acme, **given)))


def sid_of(number: int) -> str:
    return f"CA{number:032x}"


def suspend(acme: Tenant) -> None:
    organizations.set_status(system(acme.org_id), "suspended")


@dataclass
class Line:
    """Twilio's side of one number."""

    number: Number
    caller: str = CALLER
    #: The token that signs the forms. By default, that of the organization's simulated account.
    token: str | None = None

    def send(self, step: str = "", call: int = 1, *, number_id: str | None = None, **form: str) -> Answer:
        """Posts a signed form. A given `number_id` replaces the number of the path after the signature was made."""
        usual = {
            "AccountSid": accounts.simulated_account_sid(self.number.org_id),
            "CallSid": sid_of(call),
            "CallStatus": "in-progress" if step else "ringing",
            "Direction": "inbound",
            "From": self.caller,
            "To": self.number.e164,
        }
        path = f"/twilio/voice/{self.number.id}" + (f"/{step}" if step else "")
        token = self.token or accounts.simulated_token(self.number.org_id)
        # The official validator signs, too.
        signature = RequestValidator(token).compute_signature(f"{BASE_URL}{path}", usual | form)
        sent = path.replace(self.number.id, number_id or self.number.id)
        return send_request(
            handler.api,
            "POST",
            sent,
            urlencode(usual | form).encode(),
            headers={"content-type": FORM, "x-twilio-signature": signature},
            binary=False,
        )

    def ask(self, step: str = "", call: int = 1, **form: str) -> list[dict[str, Any]]:
        """Returns the verbs of the script."""
        answer = self.send(step, call, **form)
        assert (answer.status, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8"), answer
        return twiml_reader.read_verbs(answer.body)

    def tell(self, step: str, call: int = 1, **form: str) -> None:
        """Posts a report, and applies what it queues."""
        answer = self.send(step, call, **form)
        assert (answer.status, answer.body) == (200, "")
        apply_reports()

    def end_call(self, call: int = 1, status: str = "completed", seconds: int = 61) -> None:
        self.tell("status", call, CallStatus=status, CallDuration=str(seconds), SequenceNumber="3")

    def find_call(self, call: int = 1) -> Call | None:
        return store.CALLS.get_object(self.number.org_id, inbound.call_id_of(self.number.org_id, sid_of(call)))

    def read_call(self, call: int = 1) -> Call:
        found = self.find_call(call)
        assert found is not None
        return found


def apply_reports() -> None:
    for body in drain_queue(REPORTS_QUEUE):
        reports.apply_report(Report.model_validate(body))


def names_of(verbs: list[dict[str, Any]]) -> list[str]:
    return [verb["verb"] for verb in verbs]


def use_twilio(monkeypatch: pytest.MonkeyPatch, token: str = "main-token") -> str:
    """Gives the deployment an account at Twilio. Returns its token."""
    clients.get_client("secretsmanager").create_secret(Name="twilio", SecretString=f"{token}\n")
    monkeypatch.setenv("SWITCHBOARD_TWILIO_SECRET", "twilio")
    monkeypatch.setenv("SWITCHBOARD_TWILIO_ACCOUNT_SID", f"AC{'0' * 32}")
    return token


def monday_noon(frozen: clock.FrozenClock) -> None:
    """Moves the clock to a Monday at noon in UTC."""
    frozen.at = clock.parse("2026-01-19T12:00:00Z").timestamp()
