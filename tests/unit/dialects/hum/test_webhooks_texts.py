"""HUM's webhooks of texts, conversations and opt-outs."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.aws.reads import Query
from switchboard.aws.writes import commit
from switchboard.compliance import ledgers
from switchboard.dialects.hum import webhooks
from switchboard.events import service as events
from switchboard.events.models import Event, Subject
from switchboard.fanout import rendering
from switchboard.kit import clock, texts
from switchboard.messaging import store, text_events
from switchboard.messaging.models import Author, MessageStatus, TextMedia
from tests.actors import Tenant, system, tenant
from tests.unit.messaging.desk import CONTACT, OUR_NUMBER, make_conversation, make_text


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def _render(event: Event) -> dict[str, Any] | None:
    made = webhooks.render(event, rendering.read_subjects([event]).of(event))
    return made[0].body["data"] if made else None


def _find_event(org_id: str, correlation_id: str) -> Event:
    items = Query(table="activity", partition=events.workflow_partition(org_id, correlation_id)).read_all()
    (found,) = [events.parse_event(item) for item in items if "outbox" in item]
    return found


def test_a_text_that_came_in_is_told_without_a_signed_link(acme: Tenant) -> None:
    talk = make_conversation(acme.org_id)
    came = make_text(
        talk,
        "See this.",
        direction="inbound",
        status=MessageStatus.RECEIVED,
        author=Author.CONTACT,
        sid="SM1",
        media=[TextMedia(key="org/file.png", content_type="image/png")],
    )
    origin = system(acme.org_id)
    commit(store.new_message_write(came), text_events.text_event_write(origin, "sms.received", came, media=1))
    data = _render(_find_event(acme.org_id, origin.correlation_id))
    assert data is not None
    assert (data["id"], data["conversation_id"], data["body"]) == (came.id, talk.id, "See this.")
    assert (data["from_e164"], data["to_e164"]) == (CONTACT, OUR_NUMBER)
    assert data["media"] == [{"url": None, "content_type": "image/png", "error": None}]


def test_a_conversation_is_told_as_it_is(acme: Tenant) -> None:
    talk, origin = make_conversation(acme.org_id, metadata={"a": 1}), system(acme.org_id)
    commit(
        store.CONVERSATIONS.create_write(talk),
        text_events.conversation_event_write(origin, "conversation.closed", talk),
    )
    data = _render(_find_event(acme.org_id, origin.correlation_id))
    assert data is not None
    assert (data["id"], data["contact_e164"], data["metadata"]) == (talk.id, CONTACT, {"a": 1})
    assert not {"contact", "opted_out"} & data.keys()


def test_an_opt_out_and_its_end_name_the_number(acme: Tenant) -> None:
    out, back = system(acme.org_id), system(acme.org_id)
    ledgers.record_opt_out(out, CONTACT, "keyword", "STOP", "asked")
    told = _find_event(acme.org_id, out.correlation_id)
    whole = {
        "e164": CONTACT,
        "created_at": clock.now_iso(),
        "created_by": "test",
        "source": "keyword",
        "keyword": "STOP",
    }
    assert _render(told) == whole | {"reason": "asked"}
    assert ledgers.record_opt_in(back, CONTACT)
    assert _render(_find_event(acme.org_id, back.correlation_id)) == {
        "e164": CONTACT,
        "created_at": clock.now_iso(),
        "created_by": "test",
    }
    # A late delivery does not need the ledger's entry.
    assert _render(told) == whole | {"reason": None}


def test_an_unknown_number_has_no_webhook(acme: Tenant) -> None:
    digest = texts.digest(CONTACT)
    event = events.new_event(system(acme.org_id), "sms.opt_in", Subject(type="number", id=digest), number=digest)
    assert _render(event) is None
