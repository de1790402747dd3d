"""The limits of the AI in a conversation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from switchboard.kit import clock
from switchboard.messaging.models import Author, MessageStatus, TextMessage
from switchboard.replies import guards
from tests.unit.messaging.desk import make_conversation, make_text

NOW = datetime(2026, 6, 1, 15, tzinfo=UTC)


def _talk(*said: tuple[str, str, float]) -> list[TextMessage]:
    """Returns texts, the newest first. Each is (who, text, seconds after the one before)."""
    talk, at, found = make_conversation("org_1"), NOW, []
    for who, body, pause in said:
        at += timedelta(seconds=pause)
        inbound = who == "contact"
        found.append(
            make_text(
                talk,
                body,
                direction="inbound" if inbound else "outbound",
                status=MessageStatus.RECEIVED if inbound else MessageStatus.SENT,
                author=Author.CONTACT if inbound else Author(who),
                created_at=clock.format_iso(at),
            )
        )
    return found[::-1]


def test_a_normal_talk_goes_on() -> None:
    talk = _talk(
        ("contact", "Hi", 0),
        ("ai", "Hello! How can we help?", 4),
        ("contact", "What are your hours?", 30),
        ("ai", "9 to 5.", 4),
        ("contact", "Thanks", 2),
        ("ai", "You are welcome.", 4),
        ("contact", "Bye", 20),
    )
    assert guards.find_stop(talk, [message.created_at for message in talk if message.author == "ai"], NOW) is None


def test_equal_texts_in_a_row_are_a_loop() -> None:
    turns = [("contact", "Sorry, I did not understand.", 10), ("ai", "How can we help?", 4)] * 2
    assert guards.find_stop(_talk(*turns, ("contact", "Sorry - I did not understand!", 10)), [], NOW) == "loop"


def test_an_echo_of_our_texts_is_a_loop() -> None:
    talk = _talk(
        ("ai", "One", 0),
        ("contact", "one.", 10),
        ("ai", "Two", 4),
        ("contact", "two!", 10),
    )
    assert guards.find_stop(talk, [], NOW) == "loop"


def test_answers_within_seconds_are_a_loop() -> None:
    turns = [part for number in range(6) for part in (("ai", f"Answer {number}", 4), ("contact", f"Word {number}", 1))]
    assert guards.find_stop(_talk(*turns), [], NOW) == "loop"
    slow = [part for number in range(6) for part in (("ai", f"Answer {number}", 4), ("contact", f"Word {number}", 9))]
    assert guards.find_stop(_talk(*slow), [], NOW) is None


def test_the_window_and_the_day_limit_turns() -> None:
    quick = [clock.format_iso(NOW - timedelta(seconds=50 * number)) for number in range(guards.MAX_TURNS)]
    assert guards.find_stop([], quick, NOW) == "reply_limit"
    assert guards.find_stop([], quick[1:], NOW) is None
    spread = [clock.format_iso(NOW - timedelta(minutes=20 * number)) for number in range(guards.MAX_TURNS_OF_A_DAY)]
    assert guards.find_stop([], spread, NOW) == "reply_limit"
    assert guards.find_stop([], spread[:-1], NOW) is None
