"""Fills the sample events in `events/`: replaces each `{{name}}` with data of the demo organization."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial
from typing import Any

from switchboard.access import keys as access
from switchboard.access.sessions import authenticate_session
from switchboard.accounts.models import Caller, KeyKind
from switchboard.accounts.plans import PlanName
from switchboard.agents import service as agents
from switchboard.aws import clients, objects, secret
from switchboard.billing import checkout
from switchboard.brands import drafts
from switchboard.brands import service as brands
from switchboard.calls import dialing, inbound, recordings, reports
from switchboard.calls import service as calls
from switchboard.calls.models import Order, Tier
from switchboard.campaigns import batches, changes
from switchboard.campaigns import service as campaigns
from switchboard.campaigns.batches import AddedBatch
from switchboard.campaigns.service import CampaignDraft
from switchboard.carriers.messages.ports.reports import IncomingText
from switchboard.carriers.messages.simulator import forms as text_forms
from switchboard.carriers.numbers.ports.inventory import NumberSearch
from switchboard.carriers.payments.ports import webhook
from switchboard.carriers.payments.simulator import actions as payments
from switchboard.carriers.payments.simulator import events as payment_events
from switchboard.carriers.voice.ports.incoming import IncomingCall
from switchboard.carriers.voice.ports.reports import Recording, Report
from switchboard.carriers.voice.simulator import callbacks, caller_state, forms
from switchboard.carriers.voice.simulator.callbacks import SimulatedCallback
from switchboard.carriers.voice.simulator.forms import SimulatedForm
from switchboard.carriers.voice.twilio import accounts, urls
from switchboard.contacts import service as contacts
from switchboard.email import delivery
from switchboard.email import service as email
from switchboard.email.models import MailDraft, Message
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock, ids, jwts, settings
from switchboard.mcp_servers import service as mcp_servers
from switchboard.mcp_servers.models import McpServerSettings
from switchboard.messaging import incoming, lookup
from switchboard.messaging.models import TextMessage
from switchboard.messaging.threads import conversation_id_of
from switchboard.numbers import available, purchases
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number
from switchboard.numbers.purchases import NumberOrder
from switchboard.roleplay import calls as roleplay
from switchboard.roleplay import lifecycle, sessions
from switchboard.roleplay.models import DrillRequest, TransportReport
from switchboard.roleplay.transports import simulator
from switchboard.team.models import Member
from switchboard.tool_approvals import service as tool_approvals
from switchboard.tool_approvals.models import ToolRequest
from switchboard.triggers import firing
from switchboard.triggers import service as triggers
from switchboard.triggers.firing import FiredEvent
from switchboard.triggers.models import Firing
from switchboard.voicemails import creation
from switchboard.webhooks import deliveries
from switchboard.webhooks import service as webhooks
from switchboard.webhooks.models import EndpointSettings
from switchboard.webhooks.service import EndpointWithSecret
from switchboard.widgets import sessions as widget_sessions
from switchboard.widgets.models import LeadAnswers

_MAIL = b"""\
From: You <you@example.com>\r
Subject: A question\r
Message-ID: <sample-1@example.com>\r
\r
Is anybody there?\r
"""
#: The ids of a call in and of its recording, as the recording's sample names them.
_CALL_SID, _RECORDING_SID = f"CA{'5' * 32}", f"RE{'5' * 32}"
_TEXT_SID = f"SM{'5' * 32}"
_PLACE = re.compile(r"\{\{(\w+)\}\}")


def fill_sample(text: str, demo: dict[str, str]) -> dict[str, Any]:
    """Return the event of a sample's text, with keys and ids of the demo (`infra.local.demo`) and mail of its agent."""
    answered = cache(lambda: _answered(demo))
    hook = cache(lambda: _webhook(demo).endpoint.id)
    adding = cache(lambda: _waiting_batch(demo))
    waiting = cache(lambda: _waiting_text(demo))
    fired = cache(lambda: _fired_event(demo))
    makers: dict[str, Callable[[], str]] = {
        "agent_key": lambda: demo["ANIMA_AGENT_KEY"],
        "agent_id": lambda: demo["ANIMA_AGENT_ID"],
        "agent_address": lambda: agents.get_agent(demo["ORGANIZATION_ID"], demo["ANIMA_AGENT_ID"]).address,
        "inbound_mail": lambda: _stored("inbound/sample0inbound0mail0000000000000000000001"),
        "organization_id": lambda: demo["ORGANIZATION_ID"],
        "opticomm_agent_id": lambda: demo["OPTICOMM_AGENT_ID"],
        "opticomm_key": lambda: demo["OPTICOMM_TEST_KEY"],
        "hum_session": lambda: demo["HUM_SESSION"],
        "ended_roleplay": lambda: _ended_roleplay(demo),
        "ended_call": lambda: _ended_call(demo),
        "redeemed_roleplay": lambda: _redeemed_roleplay(demo),
        "widget_session": lambda: _widget_session(demo),
        "dialed_call": lambda: _dialed(demo),
        "noted_contact": lambda: (
            contacts.upsert_contact(_master(demo), "+14155550142", {"notes": "Call after noon."}).contact.id
        ),
        "submitted_turn": lambda: _submitted_turn(demo),
        "bought_number": lambda: _bought_number(demo),
        "waiting_campaign": lambda: adding().campaign.id,
        "waiting_batch": lambda: adding().batch.id,
        "launched_campaign": lambda: _launched_campaign(demo),
        "placed_call": lambda: _placed(demo),
        "queued_message": lambda: _queued(demo).id,
        "paying_customer": (paying := cache(lambda: _paying_customer(demo))),
        "stripe_webhook": (paid := cache(lambda: _stripe_webhook(paying()))),
        "stripe_signature": lambda: _stripe_signature(paid()),
        "livekit_webhook": (joined := cache(lambda: _rep_joined(demo))),
        "livekit_signature": lambda: _livekit_signature(joined()),
        "simulator_callback": lambda: base64.b64encode(answered().body).decode(),
        "simulator_signature": lambda: answered().headers["simulator-signature"],
        "called_number": (called := cache(partial(_bought_number, demo))),
        "twilio_form": lambda: str(_called_in(called()).body, "ascii"),
        "twilio_signature": lambda: _called_in(called()).signature,
        "called_e164": lambda: _number(called()).e164,
        "twilio_text_form": lambda: str(_texted(called()).body, "ascii"),
        "twilio_text_signature": lambda: _texted(called()).signature,
        "new_mcp_server": lambda: (
            mcp_servers.create_server(
                _master(demo), McpServerSettings(label="orders", connector_id="connector_orders")
            ).id
        ),
        "approved_tool": lambda: _approved_tool(demo),
        "waiting_text": lambda: waiting().id,
        "waiting_conversation": lambda: waiting().conversation_id,
        "fired_trigger": lambda: fired().trigger_id,
        "trigger_firing": lambda: fired().id,
        "left_message": lambda: _left_message(demo),
        "stored_message": lambda: _stored_message(demo),
        "transcribed_voicemail": lambda: _transcribed_voicemail(demo),
        "webhook_message": lambda: _told_of(demo),
        "webhook_endpoint": hook,
        "webhook_delivery": lambda: deliveries.send_test_delivery(_master(demo), hook()).id,
        "sent_message": lambda: _sent(demo).id,
    }
    made = {name: makers[name]() for name in set(_PLACE.findall(text))}
    event: dict[str, Any] = json.loads(_PLACE.sub(lambda found: made[found[1]], text))
    return event


def _stored(key: str) -> str:
    """Store a mail like SES. Returns its key."""
    objects.put_object("inbound-mail", key, _MAIL, "message/rfc822")
    return key


def _bought_number(demo: dict[str, str]) -> str:
    found = available.search_available_numbers(NumberSearch(voice=True, sms=True, limit=1))
    return purchases.buy_number(_master(demo), NumberOrder(found[0].number.e164)).id


def _admin(demo: dict[str, str]) -> Member:
    return authenticate_session(demo["HUM_SESSION"]).to_member(ids.new_id("corr"), None)


def _submitted_turn(demo: dict[str, str]) -> str:
    """A brand that was submitted. Returns the number of its turn."""
    admin = _admin(demo)
    if not brands.get_brand(admin.org_id).is_under_way:
        payload = {
            "entity_type": "PRIVATE_PROFIT", "company_name": "Lakeside Clinic LLC", "phone": "+14155550142",
            "street": "1 Lake Street", "city": "San Francisco", "state": "CA", "postal_code": "94105", "country": "US",
            "email": "office@lakeside.example.com", "vertical": "HEALTHCARE", "brand_relationship": "BASIC_ACCOUNT",
        }  # fmt: skip
        top = {"display_name": "Lakeside Clinic", "ein": "12-3456789"}
        drafts.save_brand(admin, {**top, "payload": payload})
        brands.submit_brand(admin)
    return str(brands.get_brand(admin.org_id).turn)


def _new_campaign(demo: dict[str, str], *recipients: str) -> str:
    """A draft of a campaign. Returns its id."""
    draft = CampaignDraft(
        name="Spring checkup",
        number_id=_bought_number(demo),
        body_template="Your checkup is due.",
        rows=[{"contact_e164": number} for number in recipients],
    )
    return campaigns.create_campaign(_admin(demo), draft).campaign.id


def _waiting_batch(demo: dict[str, str]) -> AddedBatch:
    """A batch of one recipient, which waits for its import."""
    return batches.add_recipients(_admin(demo), _new_campaign(demo), b'{"contact_e164": "+14155550142"}')


def _launched_campaign(demo: dict[str, str]) -> str:
    """A campaign that waits for its start. Returns its id."""
    return changes.launch_campaign(_admin(demo), _new_campaign(demo, "+14155550142")).id


def _queued(demo: dict[str, str]) -> Message:
    return email.send_message(_agent(demo), MailDraft(to=["you@example.com"], subject="Hello", body="From an agent."))


def _sent(demo: dict[str, str]) -> Message:
    message = _queued(demo)
    delivery.send_queued(message.org_id, message.id)
    return message


def _placed(demo: dict[str, str]) -> str:
    order = Order(to="+14155550142", tier=Tier.BASIC, consent_source="business-relationship")
    return calls.place_call(_agent(demo), order).id


def _dialed(demo: dict[str, str]) -> str:
    call_id = _placed(demo)
    dialing.dial_call(demo["ORGANIZATION_ID"], call_id)
    return call_id


def _answered(demo: dict[str, str]) -> SimulatedCallback:
    """The simulated provider's callback for an answered call."""
    facts = {"org_id": demo["ORGANIZATION_ID"], "call_id": _dialed(demo), "kind": "answered", "answered_by": "human"}
    return callbacks.sign(Report.model_validate(facts))


def _called_in(number_id: str) -> SimulatedForm:
    """The form with which the simulated provider asks for the first script of a call in."""
    number = _number(number_id)
    form = {
        "AccountSid": accounts.simulated_account_sid(number.org_id),
        "CallSid": _CALL_SID,
        "CallStatus": "ringing",
        "Direction": "inbound",
        "From": "+14155550142",
        "To": number.e164,
    }
    return forms.sign_form(number.org_id, f"{urls.BASE_PATH}{number_id}", form)


def _texted(number_id: str) -> SimulatedForm:
    """The form with which the simulated carrier brings a text to one of our numbers."""
    number = _number(number_id)
    sent = text_forms.incoming_message(
        number.org_id, number.id, _TEXT_SID, from_number="+14155550142", to_number=number.e164, body="Are you open?"
    )
    return forms.sign_form(number.org_id, sent.body["path"], sent.body[text_forms.TEXT_FORM])


def _fired_event(demo: dict[str, str]) -> Firing:
    """An event that another system fired. A flow waits for it."""
    wanted = {"name": "Leads", "kind": "outbound", "trigger_type": "event", "trigger_events": ["external.lead.*"]}
    flows.create_flow(_master(demo), FlowSettings.model_validate(wanted))
    made = triggers.create_trigger(_admin(demo), "Leads", "lead created")
    found = firing.fire_trigger(made.trigger, FiredEvent('{"phone": "+14155550142"}'))
    assert found is not None, "the event has no id"
    return found


def _approved_tool(demo: dict[str, str]) -> str:
    """Let a tool run that the AI wanted to use in a conversation. Returns the approval's id."""
    server = mcp_servers.create_server(_master(demo), McpServerSettings(label="shop", connector_id="connector_shop"))
    request = ToolRequest(
        org_id=server.org_id,
        conversation_id=ids.new_id("cnv"),
        message_id=ids.new_id("sms"),
        correlation_id=ids.new_id("corr"),
        flow_id=ids.new_id("flow"),
        server_id=server.id,
        server_label=server.label,
        tool="cancel",
        name="shop__cancel",
    )
    approval = tool_approvals.request_approval(request, clock.now_iso())
    return tool_approvals.approve_tool(_admin(demo), approval.id).id


def _waiting_text(demo: dict[str, str]) -> TextMessage:
    """A text that waits for the answer of a flow."""
    found = available.search_available_numbers(NumberSearch(sms=True, limit=1))
    flow = flows.create_flow(_master(demo), FlowSettings(name="Texts", greeting="Hello."))
    order = NumberOrder(found[0].number.e164, sms_flow_id=flow.id)
    number = purchases.buy_number(_master(demo), order)
    told = {"provider_sid": _TEXT_SID, "from_number": "+14155550142", "to_number": number.e164, "body": "Hello?"}
    incoming.receive_text(
        IncomingText.model_validate(
            {"org_id": number.org_id, "number_id": number.id, "received_at": clock.now_iso(), **told}
        )
    )
    texts = lookup.list_newest_messages(number.org_id, conversation_id_of(number.org_id, number.id, "+14155550142"), 1)
    return texts[0]


def _number(number_id: str) -> Number:
    number = numbers.find_number(number_id)
    assert number is not None
    return number


def _left_message(demo: dict[str, str]) -> str:
    """A call in whose caller left a message that is not fetched yet. Returns the id of the call."""
    number = _number(_bought_number(demo))
    inbound.answer_call(number, IncomingCall(_CALL_SID, "+14155550142", number.e164))
    call = inbound.find_call(number, _CALL_SID)
    assert call is not None
    caller_state.save_recording(number.org_id, _CALL_SID, _RECORDING_SID, ["Please call me back."])
    made = Recording(id=_RECORDING_SID, url="", duration_seconds=2, voicemail=True)
    reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind="recorded", recording=made))
    return call.id


def _stored_message(demo: dict[str, str]) -> str:
    """A call in whose caller left a message that is stored. Returns the id of the call."""
    call_id = _left_message(demo)
    recordings.fetch_recording(demo["ORGANIZATION_ID"], call_id, _RECORDING_SID, 0)
    return call_id


def _transcribed_voicemail(demo: dict[str, str]) -> str:
    """A voicemail with the text of its provider. Returns its id."""
    org_id, call_id = demo["ORGANIZATION_ID"], _stored_message(demo)
    told = {"kind": "transcribed", "recording_id": _RECORDING_SID, "text": "Please call me back about my appointment."}
    reports.apply_report(Report.model_validate({"org_id": org_id, "call_id": call_id, **told}))
    [call] = calls.find_calls([(org_id, call_id)])
    assert call is not None
    creation.create_voicemail(org_id, call_id, _RECORDING_SID)
    return creation.voicemail_id(call, _RECORDING_SID)


def _redeemed_roleplay(demo: dict[str, str]) -> str:
    snapshot = access.authenticate_key(demo["ATHOS_KEY"], frozenset({KeyKind.ATHOS}))
    minted = sessions.mint_session(access.caller_of(snapshot, ids.new_id("corr")), "rep_good", None)
    return sessions.redeem_session(sessions.admit_token(minted.token), DrillRequest(drill_key="ma-full-sale")).call.id


def _widget_session(demo: dict[str, str]) -> str:
    token = widget_sessions.admit_key(demo["WIDGET_KEY"])
    answers = LeadAnswers(name="Ada")
    started = widget_sessions.start_session(
        token, token.allowed_origins[0], answers, ids.new_id("corr"), address="203.0.113.9"
    )
    return started.session.id


def _rep_joined(demo: dict[str, str]) -> str:
    """The body of LiveKit's webhook when a rep joins the room of a new call, in base64."""
    room = f"{demo['ORGANIZATION_ID']}.{_redeemed_roleplay(demo)}"
    event = {
        "event": "participant_joined",
        "room": {"sid": "RM_sample", "name": room},
        "participant": {"sid": "PA_sample", "identity": "ext_sample", "state": "ACTIVE", "name": "rep_good"},
        "id": "EV_sample",
        "createdAt": str(int(clock.epoch())),
    }
    return base64.b64encode(json.dumps(event).encode()).decode()


def _paying_customer(demo: dict[str, str]) -> str:
    """Subscribe to the plan scale at the simulated provider. Returns the customer's id there."""
    admin = _admin(demo)
    page = checkout.open_checkout(admin, admin.organization, PlanName.SCALE, None, None).rpartition("/")[2]
    payments.apply_action(admin.org_id, lambda account: payments.pay_checkout(account, page), "once")
    return f"cus_{admin.org_id}"


def _stripe_webhook(customer_id: str) -> str:
    """The body of Stripe's notification of a paid invoice, in base64."""
    event = {
        "id": "evt_sample",
        "object": "event",
        "type": "invoice.paid",
        "created": int(clock.epoch()),
        "livemode": False,
        "data": {"object": {"id": "in_sample", "object": "invoice", "customer": customer_id, "status": "paid"}},
    }
    return base64.b64encode(json.dumps(event).encode()).decode()


def _stripe_signature(body: str) -> str:
    return payment_events.sign_body(base64.b64decode(body), webhook.simulated_secret(), int(clock.epoch()))


def _livekit_signature(body: str) -> str:
    """The token of a webhook, signed with the deployment's API secret, or with a new secret if there is none."""
    if not settings.text("LIVEKIT_SECRET", ""):
        name = ids.new_id("livekit")
        clients.get_client("secretsmanager").create_secret(Name=name, SecretString=f"{name} is long enough for HS256")
        os.environ["SWITCHBOARD_LIVEKIT_SECRET"] = name
    key = secret.active_secrets(settings.text("LIVEKIT_SECRET"))[0].encode()
    digest = base64.b64encode(hashlib.sha256(base64.b64decode(body)).digest()).decode()
    now = int(clock.epoch())
    return jwts.sign_claims({"iss": "API_sample", "nbf": now, "exp": now + 300, "sha256": digest}, key)


def _ended_roleplay(demo: dict[str, str]) -> str:
    """Run a practice call to its end. Returns its id."""
    org_id, call_id = demo["ORGANIZATION_ID"], _redeemed_roleplay(demo)
    call = roleplay.find_call(org_id, call_id)
    assert call is not None
    for _, report in simulator.course(lifecycle.room_of(call), step=0):
        lifecycle.apply_report(TransportReport.model_validate({"org_id": org_id, "call_id": call_id, **report}))
    return call_id


def _ended_call(demo: dict[str, str]) -> str:
    """Place and dial a call, and report its answer and its end, a minute ago. Returns its id."""
    # A talk is summarized some seconds after its end.
    with clock.using(clock.FrozenClock(clock.format_iso(clock.now() - timedelta(minutes=1)))):
        org_id, call_id = demo["ORGANIZATION_ID"], _dialed(demo)
        for facts in (
            {"kind": "answered", "answered_by": "human"},
            {"kind": "ended", "duration_seconds": 10},
            {"kind": "analyzed", "outcome": "success"},
        ):
            reports.apply_report(Report.model_validate({"org_id": org_id, "call_id": call_id, **facts}))
    return call_id


def _webhook(demo: dict[str, str]) -> EndpointWithSecret:
    # Nothing listens on this port: deliveries fail at once.
    return webhooks.create_endpoint(_master(demo), "anima", EndpointSettings(url="http://127.0.0.1:9999/hook"))


def _told_of(demo: dict[str, str]) -> str:
    """Send a mail that a webhook is subscribed to. Returns its id."""
    _webhook(demo)
    return _sent(demo).id


def _master(demo: dict[str, str]) -> Caller:
    snapshot = access.authenticate_key(demo["ANIMA_MASTER_KEY"], frozenset({KeyKind.MASTER}))
    return access.caller_of(snapshot, ids.new_id("corr"))


def _agent(demo: dict[str, str]) -> Caller:
    snapshot = access.authenticate_key(demo["ANIMA_AGENT_KEY"], frozenset({KeyKind.AGENT}))
    return access.caller_of(snapshot, ids.new_id("corr"))
