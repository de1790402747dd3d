"""`switchboard trigger`: makes a real event happen. The platform does what the event reports; nothing is forged.

A call or mail goes through the HTTP API, on any deployment. The other events need a local stack: its SMTP port, its
simulators, or the demo's session of the console.
"""

from __future__ import annotations

import http.client
import json
import secrets
import smtplib
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

import click

from switchboard.carriers.magic_numbers import MAGIC_NUMBERS, MagicOutcome
from switchboard.cli import api_client, deployments
from switchboard.cli.api_client import Target, UnreachableError
from switchboard.cli.commands import Command, is_json, options_of, print_note, print_rows
from switchboard.errors import Invalid, NotFound, Unavailable

_NUMBERS = {outcome: number for number, outcome in MAGIC_NUMBERS.items()}
#: An address of Amazon's mailbox simulator. The local stack has it too.
_BOUNCES = "bounce@simulator.amazonses.com"
_SMTP_SECONDS = 10


class _Scene(NamedTuple):
    """Where an event is triggered: the API, and the variables of `demo.env` on a local stack."""

    target: Target
    demo: dict[str, str]
    home: Path

    def demo_value(self, name: str) -> str:
        """Returns a variable of the local stack's demo organization. Raises Invalid on another deployment."""
        if name not in self.demo:
            raise Invalid("This event can be triggered on a local stack only: start one with `make run`.", code="usage")
        return self.demo[name]


def _call(outcome: MagicOutcome) -> Callable[[_Scene], dict[str, Any]]:
    def place(scene: _Scene) -> dict[str, Any]:
        order = {
            "to": _NUMBERS[outcome],
            "tier": "basic",
            "agentId": _agent(scene),
            "metadata": {"consent_source": "business-relationship"},
        }
        return {"call": api_client.call_api(scene.target, "POST", "/v1/voice/calls", body=order)["callId"]}

    return place


def _agent(scene: _Scene) -> str:
    found = api_client.call_api(scene.target, "GET", "/v1/agents", query={"limit": 1})["items"]
    if not found:
        raise NotFound("The organization has no agent: create one with `switchboard agent create`.")
    return str(found[0]["id"])


def _mail(to: str) -> Callable[[_Scene], dict[str, Any]]:
    def send(scene: _Scene) -> dict[str, Any]:
        mail = {"to": to, "agentId": _agent(scene), "subject": "Hello", "body": "From `switchboard trigger`."}
        return {"message": api_client.call_api(scene.target, "POST", "/v1/email/send", body=mail)["id"]}

    return send


def _mail_in(scene: _Scene) -> dict[str, Any]:
    agent = api_client.call_api(scene.target, "GET", f"/v1/agents/{scene.demo_value('ANIMA_AGENT_ID')}")
    inbox = agent["emailIdentities"][0]["email"]
    port = int((scene.home / "smtp_port").read_text())
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "you@example.com", inbox, "Hello"
    mail.set_content("From a person, by `switchboard trigger`.")
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=_SMTP_SECONDS) as smtp:
            smtp.send_message(mail)
    except OSError as error:
        raise UnreachableError(f"the stack takes no mail at port {port} ({error})") from error
    return {"inbox": inbox}


def _text_in(scene: _Scene) -> dict[str, Any]:
    simulate, number = _simulated_number(scene)
    return {"message_sid": simulate.send_simulated_text(number, simulate.STRANGER, "Are you open on Sunday?")}


def _stop_text(scene: _Scene) -> dict[str, Any]:
    simulate, number = _simulated_number(scene)
    # Another number each time: a second STOP of the same number changes nothing.
    sender = f"+1415555{100 + secrets.randbelow(100):04d}"
    return {"message_sid": simulate.send_simulated_text(number, sender, "STOP"), "from": sender}


def _voicemail(scene: _Scene) -> dict[str, Any]:
    simulate, number = _simulated_number(scene)
    says = ["Please call me back about my order."]
    sid = simulate.start_simulated_call(number, simulate.STRANGER, says, leaves_message=True, hang_up_after=None)
    return {"call_sid": sid}


def _simulated_number(scene: _Scene) -> Any:
    """Returns the module of simulated people, and a number of the demo organization with a flow that answers."""
    org_id = scene.demo_value("ORGANIZATION_ID")
    deployments.load_settings(str(scene.home), None)
    from switchboard.cli import simulate  # for a short start: only these events need the nouns of calls and texts
    from switchboard.numbers import service as numbers

    own = [one for one in numbers.list_numbers(org_id) if one.flow_id and one.provider == "simulator"]
    if not own:
        raise NotFound(
            "The demo organization has no number that answers: buy one with `switchboard trigger number.bought`."
        )
    return simulate, own[0]


def _number(scene: _Scene) -> dict[str, Any]:
    offer = _ask_console(scene, "GET", "/api/numbers/available?country=US&limit=1")["numbers"][0]
    # The number gets a flow, so that it answers the calls of other triggers.
    flows = [flow["id"] for flow in _ask_console(scene, "GET", "/api/flows")["flows"] if flow["kind"] == "inbound"]
    order = {"phoneNumber": offer["phoneNumber"], **({"flow_id": flows[0]} if flows else {})}
    bought = _ask_console(scene, "POST", "/api/numbers/buy", order)
    return {"number": bought["id"], "e164": bought["e164"]}


def _ask_console(scene: _Scene, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Sends a request to the console's API with the demo's session."""
    connection = api_client.connect(scene.target.url, api_client.LONGEST_PAUSE)
    headers = {"Cookie": f"bh_hum_session={scene.demo_value('HUM_SESSION')}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, body=json.dumps(body) if body is not None else None, headers=headers)
        response = connection.getresponse()
        if response.status >= http.client.BAD_REQUEST:
            raise api_client.refusal_of(response)
        return json.loads(response.read())
    except OSError as error:
        raise UnreachableError(str(error)) from error
    finally:
        connection.close()


def _agent_in(scene: _Scene) -> dict[str, Any]:
    made = api_client.call_api(
        scene.target, "POST", "/v1/agents", body={"username": f"triggered-{secrets.token_hex(4)}"}
    )
    return {"agent": made["id"]}


class _Trigger(NamedTuple):
    """How an event is made. `names` are its names in the APIs' webhooks; the first one is the command's word."""

    names: tuple[str, ...]
    what: str
    act: Callable[[_Scene], dict[str, Any]]
    is_local: bool = False


TRIGGERS = (
    _Trigger(("call.ended", "call.completed"), "a call to a person who answers", _call(MagicOutcome.ANSWERED)),
    _Trigger(("call.ended:failed",), "a call that the network rejects", _call(MagicOutcome.FAILED)),
    _Trigger(("call.ended:busy",), "a call to a busy line", _call(MagicOutcome.BUSY)),
    _Trigger(("call.ended:no_answer",), "a call that nobody answers", _call(MagicOutcome.NO_ANSWER)),
    _Trigger(("call.ended:voicemail",), "a call that a machine answers", _call(MagicOutcome.VOICEMAIL)),
    _Trigger(("message.sent", "email.sent"), "a mail that goes out", _mail("friend@example.com")),
    _Trigger(("message.delivered", "email.delivered"), "a mail that arrives", _mail("friend@example.com")),
    _Trigger(("message.bounced", "email.bounced"), "a mail to an address that does not exist", _mail(_BOUNCES)),
    _Trigger(("message.received", "email.received"), "a mail of a person to the demo agent", _mail_in, is_local=True),
    _Trigger(("agent.created",), "a new agent", _agent_in),
    _Trigger(("sms.received",), "a text of a person to a number of the demo", _text_in, is_local=True),
    _Trigger(("sms.opt_out",), "a text STOP", _stop_text, is_local=True),
    _Trigger(("voicemail.received",), "a caller who leaves a message", _voicemail, is_local=True),
    _Trigger(("number.bought",), "a number that the demo buys", _number, is_local=True),
)


@click.command("trigger", cls=Command, offline=True)
@click.argument("event", metavar="[EVENT]", required=False)
@click.option("--url", help="The URL of the API; by default that of the local stack.")
@click.option("--key", help="A master key; by default that of the demo organization.")
def trigger_command(event: str | None, url: str | None, key: str | None) -> None:
    """Make a real event happen, for example call.ended. Without EVENT, list the events.

    The platform does the thing that the event reports: it places a call to a magic number, sends a mail, and so on.
    Calls take some seconds until they end. Watch the event with `switchboard listen`.
    """
    if event is None:
        print_rows(
            [
                {
                    "event": ", ".join(one.names),
                    "where": "local stack" if one.is_local else "anywhere",
                    "does": one.what,
                }
                for one in TRIGGERS
            ]
        )
        return
    found = next((one for one in TRIGGERS if event in one.names), None)
    if found is None:
        known = ", ".join(one.names[0] for one in TRIGGERS)
        raise click.UsageError(f"{event} is not an event that can be triggered: choose {known}")
    local = options_of(click.get_current_context()).local
    demo = {} if url else deployments.read_demo(local)
    target = api_client.find_target(url, key)
    try:
        made = found.act(_Scene(target, demo, Path(local or ".local").expanduser()))
    except (UnreachableError, api_client.ServerBusyError) as error:
        raise Unavailable(f"Nothing was triggered at {target.url}: {error}.") from None
    print_rows({"triggered": found.names[0], **made})
    if not is_json():
        print_note("Watch it with `switchboard listen`, or `switchboard tail`.")
