"""An opt-out stops every text that is not yet at the carrier, wherever its worker is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import count

import pytest

from switchboard.accounts import organizations
from switchboard.compliance import ledgers
from switchboard.compliance.verdicts import Blocked
from switchboard.errors import Contended
from switchboard.kit import clock
from switchboard.messaging import acceptance
from switchboard.messaging.drafts import TextDraft
from switchboard.messaging.models import TextConversation
from tests.actors import Tenant
from tests.fakes.texts import FakeMessenger
from tests.integration.sabotage import Sabotage
from tests.unit.messaging.inbox import receive, texts_of
from tests.unit.messaging.texts_out import Desk, fire, open_desk, work_off

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

#: Sends a text in a conversation, from the request to the carrier.
Send = Callable[[Desk, TextConversation], None]


def send_now(desk: Desk, talk: TextConversation) -> None:
    work_off(desk.send(talk))


def send_scheduled(desk: Desk, talk: TextConversation) -> None:
    found = desk.schedule(talk, scheduled_at=clock.format_iso(clock.now() + timedelta(seconds=1)))
    fire(found)


def send_reply(desk: Desk, talk: TextConversation) -> None:
    org = organizations.get_organization(desk.org_id)
    sent = acceptance.send_reply(org, talk.id, TextDraft(body="Hi!"), correlation_id="corr_ai")
    assert sent.message is not None
    work_off(sent.message)


def answer_help(desk: Desk, talk: TextConversation) -> None:
    _answer(desk, talk, "HELP")


def answer_start(desk: Desk, talk: TextConversation) -> None:
    _answer(desk, talk, "START")


def _answer(desk: Desk, talk: TextConversation, said: str) -> None:
    work_off(texts_of(receive(desk.number, said, talk.contact_e164))[-1])


@pytest.fixture(autouse=True)
def _we_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The carrier leaves the answers to keywords to us."""
    monkeypatch.setenv("SWITCHBOARD_CARRIER_ANSWERS_KEYWORDS", "off")


@pytest.mark.parametrize("send", [send_now, send_scheduled, send_reply, answer_help, answer_start])
@pytest.mark.parametrize("ledger", ["opt-outs", "dnc"])
def test_no_text_reaches_the_carrier_after_the_commit_of_an_opt_out(
    acme: Tenant, messenger: FakeMessenger, frozen: clock.FrozenClock, send: Send, ledger: str
) -> None:
    desk, sabotage, contacts = open_desk(acme), Sabotage(), count(100)

    def next_talk() -> TextConversation:
        # The number's next free time has come.
        frozen.advance(seconds=2)
        talk = desk.talk_with(f"+14155550{next(contacts)}")
        ledgers.record_consent(desk.who, talk.contact_e164, "customer-initiated")
        return talk

    stopped: set[str] = set()
    late: list[str] = []
    messenger.at_arrival = lambda text: late.append(text.message_id) if text.to_number in stopped else None
    send(desk, next_talk())
    talk = next_talk()
    with sabotage.counting() as calls:
        send(desk, talk)
    taken = 0
    for place in range(len(calls)):
        talk = next_talk()
        messenger.taken.clear()

        def stop(contact: str = talk.contact_e164) -> None:
            if ledger == "dnc":
                ledgers.block_number(desk.who, contact)
            else:
                ledgers.record_opt_out(desk.who, contact, "keyword")
            stopped.add(contact)

        with sabotage.meeting(place, stop), suppress(Blocked, Contended):
            send(desk, talk)
        taken += len(messenger.taken)
    assert late == []
    # Only the record comes after the hand-over, and then the test reads the text.
    assert taken == 2


def test_a_stop_while_a_text_waits_for_its_time_is_in_force(
    acme: Tenant, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    desk = open_desk(acme)
    talk = desk.talk_with()
    found = desk.schedule(talk, scheduled_at="2026-01-20T17:00:00Z")
    ledgers.record_opt_out(desk.who, talk.contact_e164, "keyword")
    frozen.advance(days=5)
    assert (fire(found).error, messenger.taken, desk.spent()) == ("opted_out", [], (0, 0))
