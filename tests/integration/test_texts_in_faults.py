"""Texts that come in and reports under faults: killed between any two AWS calls, each has its effect once."""

from __future__ import annotations

import pytest

from switchboard.aws import objects, queues
from switchboard.aws.writes import commit
from switchboard.carriers.messages import media as carrier
from switchboard.carriers.messages.media import FetchedFile
from switchboard.carriers.messages.ports.reports import IncomingText, TextReport
from switchboard.kit.jobs import QueueMessage
from switchboard.messaging import media, store
from switchboard.messaging.jobs import FetchTextMedia
from switchboard.messaging.models import Author, MessageStatus, TextMessage
from switchboard.numbers.models import Number
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage, run_worker
from tests.unit.calls.console_calls import save_number
from tests.unit.messaging.desk import make_conversation, make_text
from tests.unit.messaging.inbox import events_of, find_conversation, incoming_text, opt_out_of, report, texts_of

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


@pytest.fixture
def saboteur(acme: Tenant) -> Sabotage:
    return Sabotage()


@pytest.fixture
def number(acme: Tenant) -> Number:
    return save_number(acme.org_id)


def send_report(told: IncomingText | TextReport) -> None:
    body = told.model_dump(mode="json")
    queues.send_messages([QueueMessage(queue="text-reports", body=body, group=told.org_id)])


def test_a_worker_killed_anywhere_stores_a_stop_once(number: Number, saboteur: Sabotage) -> None:
    send_report(incoming_text(number, "STOP", "+14155550100"))
    with saboteur.counting() as calls:
        run_worker("workers/text_reports")
    assert calls
    for done in range(len(calls)):
        sender = f"+1415555{done + 101:04}"
        send_report(incoming_text(number, "STOP", sender))
        with saboteur.killing(done):
            run_worker("workers/text_reports")
        run_worker("workers/text_reports")
        talk = find_conversation(number, sender)
        assert [text.author for text in texts_of(talk)] == [Author.CONTACT, Author.SYSTEM]
        assert (talk.message_count, talk.unread_count) == (2, 1)
        assert opt_out_of(number.org_id, sender) is not None
        kinds = sorted(event.type for event in events_of(texts_of(talk)[0]))
        assert kinds == ["conversation.started", "sms.opt_out", "sms.queued", "sms.received"]


def save_text(org_id: str) -> TextMessage:
    text = make_text(make_conversation(org_id), status=MessageStatus.SENDING)
    commit(store.new_message_write(text))
    return text


def test_a_worker_killed_anywhere_applies_a_report_once(acme: Tenant, saboteur: Sabotage) -> None:
    send_report(report(save_text(acme.org_id), "delivered"))
    with saboteur.counting() as calls:
        run_worker("workers/text_reports")
    for done in range(len(calls)):
        text = save_text(acme.org_id)
        send_report(report(text, "delivered"))
        with saboteur.killing(done):
            run_worker("workers/text_reports")
        run_worker("workers/text_reports")
        after = store.get_message(text.org_id, text.conversation_id, text.id)
        assert after is not None
        assert after.status is MessageStatus.DELIVERED
        assert sorted(event.type for event in events_of(text)) == ["sms.delivered", "sms.sent"]


def test_a_worker_killed_anywhere_stores_a_file_once(
    number: Number, saboteur: Sabotage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "fetch_file", lambda *_: FetchedFile(b"picture", "image/png"))
    assert carrier.is_stored_type("image/png")

    def send_job(sender: str) -> TextMessage:
        one = incoming_text(number, "Look", sender, media_urls=["https://api.twilio.com/a"])
        send_report(one)
        run_worker("workers/text_reports")
        text = texts_of(find_conversation(number, sender))[0]
        job = FetchTextMedia(org_id=text.org_id, conversation_id=text.conversation_id, message_id=text.id)
        queues.send_messages([job.to_message()])
        return text

    send_job("+14155550100")
    with saboteur.counting() as calls:
        run_worker("workers/text_media")
    for done in range(len(calls)):
        text = send_job(f"+1415555{done + 101:04}")
        with saboteur.killing(done):
            run_worker("workers/text_media")
        run_worker("workers/text_media")
        after = store.get_message(text.org_id, text.conversation_id, text.id)
        assert after is not None
        [stored] = after.media
        assert objects.read_object("text-media", stored.key or "", 100, 10).content == b"picture"
        assert [event.type for event in events_of(text)].count("sms.media_fetched") == 1
