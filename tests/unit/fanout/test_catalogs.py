"""The catalogs of events: the bodies of real events fit their schemas, and so do the examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from infra import webhook_events_page
from switchboard.aws.writes import commit
from switchboard.calls import summarizing
from switchboard.calls.models import Order, State, Tier
from switchboard.compliance import ledgers
from switchboard.events import registry
from switchboard.events import service as events
from switchboard.events.models import Event, Subject
from switchboard.events.types.base import EventType
from switchboard.fanout import rendering
from switchboard.fanout.catalogs import CATALOGS
from switchboard.kit import clock, texts
from switchboard.messaging import store as messages
from switchboard.messaging.models import Author, MessageStatus, TextMedia
from switchboard.roleplay import sessions
from switchboard.webhooks import event_names, schema_paths
from switchboard.webhooks.body_schemas import Schema, make_example, row_schema
from switchboard.webhooks.catalog import EventCatalog
from switchboard.webhooks.event_names import EVENT_NAMES, TEST_EVENT
from switchboard.webhooks.models import KindName
from tests.actors import member, reseller, system, tenant
from tests.tables import each
from tests.unit.brands.desk import submit_drafts
from tests.unit.call_records.desk import save_call
from tests.unit.calls.console_calls import save_flow, save_number
from tests.unit.calls.live_calls import report_turn
from tests.unit.messaging.desk import CONTACT, make_conversation, make_text
from tests.unit.roleplay.conftest import redeem_session
from tests.unit.tool_approvals.life import make_approval
from tests.unit.triggers.desk import fire, make_trigger
from tests.unit.voicemails.desk import save_voicemail
from tests.unit.webhooks.conftest import send_mail
from tests.unit.widgets.desk import make_flow, make_token, start

KINDS: tuple[KindName, ...] = get_args(KindName)
#: The states of calls by the last word of their events. Other events are about a call that is in progress.
_STATES = {state.value.lower(): state for state in State}
#: The last words of the events that follow the summary of a call.
_AFTER_TALK = ("summarized", "outcome_captured")
_MINUTE_AGO = "2026-01-15T16:59:00.000Z"
_OUTCOME = {"type": "object", "properties": {"outcome": {"enum": ["booked"]}}, "required": ["outcome"]}


def closed(schema: Schema) -> Schema:
    """A schema that also refuses fields that it does not name."""
    found: Schema = {key: closed(part) if isinstance(part, dict) else part for key, part in schema.items()}
    if "anyOf" in schema:
        found["anyOf"] = [closed(part) for part in schema["anyOf"]]
    if "properties" in found and "type" in found:
        found.setdefault("additionalProperties", False)
    return found


def _event(org_id: str, row: EventType, subject_id: str, **data: Any) -> Event:
    """An event of a type. Its facts are those that its row allows."""
    facts = make_example(row_schema(row.data), {})
    return events.new_event(
        system(org_id), row.name, Subject(type=row.subject, id=subject_id, version=1), **(facts | data)
    )


def _about_call(row: EventType) -> Event:
    acme, last = tenant(), row.name.rpartition(".")[2]
    talked: dict[str, Any] = {"answered_at": _MINUTE_AGO, "ended_at": _MINUTE_AGO} if last in _AFTER_TALK else {}
    call = save_call(
        acme.org_id,
        state=State.COMPLETED if talked else _STATES.get(last, State.ACTIVE),
        flow_id=save_flow(acme.org_id, outcome_schema=_OUTCOME).id,
        order=Order(to=CONTACT, tier=Tier.BASIC),
        agent_id=acme.agent_id,
        **talked,
    )
    if talked:
        report_turn(call, "I would like to book.", number=1)
        summarizing.summarize_call(call.org_id, call.id)
    return _event(acme.org_id, row, call.id)


def _about_text(row: EventType) -> Event:
    acme = tenant()
    talk = make_conversation(acme.org_id)
    came = row.name == "sms.received"
    text = make_text(
        talk,
        direction="inbound" if came else "outbound",
        status=MessageStatus.RECEIVED if came else MessageStatus.SENT,
        author=Author.CONTACT if came else Author.USER,
        media=[TextMedia(key="org/file.png", content_type="image/png")] if came else [],
    )
    commit(messages.new_message_write(text))
    return _event(acme.org_id, row, text.id, conversation=talk.id)


def _about_conversation(row: EventType) -> Event:
    talk = make_conversation(tenant().org_id)
    commit(messages.CONVERSATIONS.create_write(talk))
    return _event(talk.org_id, row, talk.id)


def _about_mail(row: EventType) -> Event:
    acme = tenant()
    return _event(acme.org_id, row, send_mail(acme), recipients=[texts.digest("you@example.com")], kind="mail")


def _about_number(row: EventType) -> Event:
    acme = tenant()
    if row.name.startswith("number."):
        return _event(acme.org_id, row, save_number(acme.org_id).id)
    ledgers.record_opt_out(system(acme.org_id), CONTACT, "keyword", "STOP", "asked")
    source = {"source": "keyword", "keyword": "STOP"} if row.name == "sms.opt_out" else {}
    return _event(acme.org_id, row, texts.digest(CONTACT), **source)


def _about_voicemail(row: EventType) -> Event:
    voicemail = save_voicemail(tenant().org_id, text="Please call me back.")
    return _event(voicemail.org_id, row, voicemail.id)


def _about_brand(row: EventType) -> Event:
    brand = submit_drafts(member(tenant().org_id))
    assert brand.campaign
    return _event(brand.org_id, row, brand.id if row.subject == "brand" else brand.campaign.id)


def _about_trigger(row: EventType) -> Event:
    ada = member(tenant().org_id)
    made = make_trigger(ada)
    return _event(ada.org_id, row, made.trigger.id, firing=fire(made, {"a": 1}).id, event="external.lead.created")


def _about_lead(row: EventType) -> Event:
    session = start(make_token(make_flow(tenant().org_id)), name="Ada").session
    assert session.lead_id
    return _event(session.org_id, row, session.lead_id, token=session.token_id)


def _about_practice(row: EventType) -> Event:
    call = redeem_session(reseller())
    return _event(call.org_id, row, call.id)


def _about_tool(row: EventType) -> Event:
    approval = make_approval(tenant().org_id)
    return _event(approval.org_id, row, approval.id)


MAKERS = {
    "brand": _about_brand,
    "brand_campaign": _about_brand,
    "call": _about_call,
    "text": _about_text,
    "tool_approval": _about_tool,
    "trigger": _about_trigger,
    "conversation": _about_conversation,
    "message": _about_mail,
    "number": _about_number,
    "voicemail": _about_voicemail,
    "roleplay_call": _about_practice,
    "widget_lead": _about_lead,
}


def make_event(row: EventType) -> Event:
    """An event of a type about a stored subject, or about one that is not read."""
    maker = MAKERS.get(row.subject)
    return maker(row) if maker else _event(tenant().org_id, row, f"{row.subject[:3]}_1")


def _bodies_of(row: EventType) -> Iterator[tuple[KindName, str, dict[str, Any]]]:
    event = make_event(row)
    subject = rendering.read_subjects([event]).of(event)
    for kind in KINDS:
        if row.name in EVENT_NAMES[kind]:
            made = rendering.RENDERERS[kind](event, subject)
            assert made, f"{kind} has no body of {row.name}: make an event that has one"
            yield from ((kind, one.event, one.body) for one in made)


@pytest.mark.usefixtures("cloud", "frozen")
@pytest.mark.parametrize("row", [row for row in registry.TYPES.values() if row.webhooks], ids=lambda row: row.name)
def test_the_body_of_each_event_fits_its_schema(row: EventType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "choose_persona_index", lambda _: 0)
    for kind, name, body in _bodies_of(row):
        entry = CATALOGS[kind]().get_entry(name)
        problems = [problem.message for problem in Draft202012Validator(closed(entry.schema)).iter_errors(body)]
        assert not problems, f"{kind}: change the model of {name}, or its renderer"


@each("kind", KINDS)
def test_each_example_fits_its_schema_and_each_schema_is_valid(kind: KindName) -> None:
    for entry in CATALOGS[kind]().entries:
        Draft202012Validator.check_schema(entry.schema)
        problems = [one.message for one in Draft202012Validator(closed(entry.schema)).iter_errors(entry.example)]
        assert not problems, entry.name
        assert entry.about


def test_each_name_has_an_entry() -> None:
    assert set(CATALOGS) == set(KINDS), "add a catalog to switchboard/fanout/catalogs.py"
    for kind in KINDS:
        names = {entry.name for entry in CATALOGS[kind]().entries}
        assert names >= set(event_names.event_types(kind))
    ours = {entry.name for entry in CATALOGS["hum"]().entries}
    assert ours == {*event_names.event_types("hum"), "external.*", TEST_EVENT}


def test_hum_reports_every_event_of_anima_and_opticomm() -> None:
    theirs = EVENT_NAMES["anima"].keys() | EVENT_NAMES["opticomm"].keys()
    assert theirs <= EVENT_NAMES["hum"].keys(), "give these types a name for HUM in switchboard/events/types"


def test_a_test_delivery_fits_its_schema(cloud: dict[str, str], frozen: clock.FrozenClock) -> None:
    event = events.new_event(
        system(tenant().org_id), TEST_EVENT, Subject(type="webhook", id="wh_1", version=1), kind="hum"
    )
    body = rendering.TEST_RENDERERS["hum"](event).body
    assert not list(Draft202012Validator(closed(hum().get_entry(TEST_EVENT).schema)).iter_errors(body))


def hum() -> EventCatalog:
    return CATALOGS["hum"]()


def test_a_search_finds_names_and_meanings() -> None:
    assert {entry.name for entry in hum().search("opt")} == {"sms.opt_in", "sms.opt_out"}
    assert "call.completed" in {entry.name for entry in hum().search("Busy CALL")}
    assert hum().search("nothing like this") == []
    assert hum().search(None) == list(hum().entries)


def test_filters_take_names_prefixes_and_patterns() -> None:
    def names(*filters: str) -> set[str]:
        return {entry.name for entry in hum().list_matching(filters)}

    assert names("sms.opt_in", "call.outcome") == {"sms.opt_in", "call.outcome"}
    assert names("sms.opt_in", "voice.call.outcome_captured") == {"sms.opt_in", "call.outcome"}
    assert names("external.github.*") == names("external.github.issue.opened") == {"external.*"}
    assert names("*") == {entry.name for entry in hum().entries}


@each(
    "path, known",
    [
        ("type", True),
        ("data.summary.tldr", True),
        ("data.summary.key_points.0", True),
        ("data.tags.3.name", True),
        ("data.tags.name", False),
        ("data.outcome_data.anything.below", True),
        ("data.contact", False),
        ("data.id.more", False),
        ("nothing", False),
        ("data." + "x." * 10_000 + "y", False),
        ("data.outcome_data" + ".y" * 10_000, True),
    ],
)
def test_a_path_is_known_if_a_body_may_have_a_value_there(path: str, known: bool) -> None:
    assert schema_paths.has_path(hum().get_entry("call.completed").schema, path) is known


def test_the_data_of_each_event_has_known_fields_only() -> None:
    """A template with an unknown path is refused only if the schema says which paths there are."""
    for catalog in CATALOGS.values():
        for entry in catalog().entries:
            data = entry.schema["properties"].get("data", entry.schema)
            assert not data.get("additionalProperties"), f"{catalog().kind} {entry.name}"


def test_the_page_is_that_of_the_catalogs() -> None:
    assert webhook_events_page.PAGE.read_text() == webhook_events_page.text(), "run: make openapi"
