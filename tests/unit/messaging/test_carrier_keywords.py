"""Keywords that the carrier answers by itself, without a flag: the platform sends no second answer."""

from __future__ import annotations

import pytest

from switchboard.messaging.models import MessageStatus
from tests.actors import Tenant
from tests.fakes.texts import FakeMessenger
from tests.unit.messaging.inbox import opt_out_of, receive, texts_of
from tests.unit.messaging.texts_out import give_number, work_off

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

LOCAL, TOLL_FREE = "+14155550199", "+18005550199"
SETTING = "SWITCHBOARD_CARRIER_ANSWERS_KEYWORDS"
ENGLISH = ["STOP", "stopall", "Unsubscribe ", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "START", "unstop"]
OTHERS = ["ALTO", "AYUDA", "STOP ALL", "Stop!", "please stop texting me", "Help?"]


def answers(acme: Tenant, body: str, e164: str = LOCAL, provider: str = "twilio") -> int:
    """The number of the platform's answers to a text."""
    number = give_number(acme.org_id, e164, provider=provider)
    return sum(one.direction == "outbound" for one in texts_of(receive(number, body)))


@pytest.mark.parametrize("body", [*ENGLISH, "HELP", "info"])
@pytest.mark.parametrize("e164", [LOCAL, TOLL_FREE])
def test_a_word_of_the_carrier_gets_no_second_answer(acme: Tenant, body: str, e164: str) -> None:
    assert answers(acme, body, e164) == 0


@pytest.mark.parametrize("body", OTHERS)
def test_a_word_that_the_carrier_does_not_know_is_answered(acme: Tenant, body: str) -> None:
    assert answers(acme, body) == 1


@pytest.mark.parametrize("body", ["STOP", "START", "HELP"])
def test_simulated_numbers_answer_every_word(acme: Tenant, body: str) -> None:
    assert answers(acme, body, provider="simulator") == 1


@pytest.mark.parametrize("body", [*ENGLISH, "HELP"])
def test_a_carrier_that_leaves_the_answers_to_us(acme: Tenant, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    monkeypatch.setenv(SETTING, "off")
    assert answers(acme, body) == 1


@pytest.mark.parametrize(
    ("body", "answered"), [("STOP", 0), ("start", 0), ("UNSTOP", 0), ("HELP", 1), ("CANCEL", 1), ("ALTO", 1)]
)
def test_the_network_of_toll_free_numbers_always_answers_its_words(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, body: str, answered: int
) -> None:
    monkeypatch.setenv(SETTING, "off")
    assert answers(acme, body, TOLL_FREE) == answered


def test_a_stop_that_the_carrier_answered_as_help_is_confirmed(acme: Tenant) -> None:
    talk = receive(give_number(acme.org_id), "STOP", opt_out_type="HELP")
    assert "You are unsubscribed" in texts_of(talk)[-1].body


def test_a_word_of_the_carrier_changes_the_ledger(acme: Tenant, messenger: FakeMessenger) -> None:
    number = give_number(acme.org_id)
    talk = receive(number, "STOP")
    assert opt_out_of(acme.org_id) is not None
    assert [text.status for text in texts_of(talk)] == [MessageStatus.RECEIVED]
    assert work_off(texts_of(talk)[0]).status is MessageStatus.RECEIVED
    assert messenger.taken == []
