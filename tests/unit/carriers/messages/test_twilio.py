"""Texts by Twilio: the SDK against a local server that speaks Twilio's API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from switchboard.carriers import twilio_client
from switchboard.carriers.messages.ports.messenger import (
    FoundText,
    OutcomeUnknownError,
    OutgoingText,
    TextRefusedError,
    ThrottledError,
)
from switchboard.carriers.messages.twilio.messenger import TwilioMessenger
from switchboard.carriers.twilio_http import DeadlineHttpClient
from switchboard.kit import clock, settings
from tests.fakes.twilio import SUBACCOUNT, give_subaccount, serve_twilio, twilio_error

TEXT = OutgoingText(
    org_id="org_acme",
    conversation_id="cnv_1",
    message_id="sms_1",
    number_id="num_1",
    from_number="+14155550199",
    to_number="+14155550142",
    body="Your order is ready. Ваш заказ готов 🎉",
    media_urls=("https://files.example.com/a.jpg", "https://files.example.com/b.pdf"),
)


@dataclass
class FakeMessages:
    """Twilio's messages. A fault answers the next requests instead; with `after` Twilio has taken the text before."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    fault: Callable[[str], tuple[int, Any] | None] = lambda _: None
    after: bool = False
    segments: str = "2"
    status: str = "queued"

    def answer(self, method: str, path: str, given: dict[str, str]) -> tuple[int, Any]:
        self.requests.append((method, path, given))
        broken = self.fault(method)
        if broken is not None and not self.after:
            return broken
        if path != f"/2010-04-01/Accounts/{SUBACCOUNT}/Messages.json":
            return 404, twilio_error(20404, status=404)
        if method == "GET":
            found = [one for one in self.messages if (one["to"], one["from"]) == (given["To"], given["From"])]
            return broken or (200, {"messages": found[::-1], "page": 0})
        taken = self.add(given)
        return broken or (201, taken)

    def add(self, given: dict[str, str]) -> dict[str, Any]:
        self.messages.append(
            {
                "sid": f"SM{len(self.messages) + 1:032x}",
                "to": given["To"],
                "from": given["From"],
                "body": given["Body"],
                "status": self.status,
                "direction": "outbound-api",
                "error_code": None,
                "num_segments": self.segments,
                "num_media": "1" if "MediaUrl" in given else "0",
                "date_created": format_datetime(clock.now()),
                "date_sent": None,
            }
        )
        return self.messages[-1]


@pytest.fixture
def fake(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMessages]:
    made = FakeMessages()
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", "https://api.example.com/")
    with serve_twilio(made.answer, monkeypatch):
        give_subaccount(TEXT.org_id)
        yield made


def test_a_text_is_sent_once_with_its_media_and_the_address_of_its_reports(fake: FakeMessages) -> None:
    assert TwilioMessenger().send_text(TEXT) == (f"SM{1:032x}", 2)
    ((method, path, given),) = fake.requests
    assert (method, path) == ("POST", f"/2010-04-01/Accounts/{SUBACCOUNT}/Messages.json")
    assert given == {
        "To": TEXT.to_number,
        "From": TEXT.from_number,
        "Body": TEXT.body,
        "MediaUrl": "https://files.example.com/a.jpg https://files.example.com/b.pdf",
        "StatusCallback": "https://api.example.com/twilio/sms/messages/org_acme/cnv_1/sms_1#rc=3&rp=all",
        "SmartEncoded": "false",
    }


def test_the_reports_of_a_campaign_have_an_address_of_their_own(fake: FakeMessages) -> None:
    TwilioMessenger().send_text(replace(TEXT, campaign=True, media_urls=()))
    given = fake.requests[0][2]
    assert given["StatusCallback"].endswith("/twilio/sms/messages/org_acme/cnv_1/sms_1/campaign#rc=3&rp=all")
    assert "MediaUrl" not in given


@pytest.mark.parametrize(("told", "segments"), [("1", 1), ("0", None), ("", None), ("x", None)])
def test_segments_count_when_twilio_tells_them(fake: FakeMessages, told: str, segments: int | None) -> None:
    fake.segments = told
    assert TwilioMessenger().send_text(TEXT).segments == segments


@pytest.mark.parametrize("code", [21610, 21211, 21614, 21612, 21408])
@pytest.mark.parametrize("status", [400, 403])
def test_a_rejected_text_keeps_its_code(fake: FakeMessages, code: int, status: int) -> None:
    fake.fault = lambda _: (status, twilio_error(code, status=status))
    with pytest.raises(TextRefusedError) as refused:
        TwilioMessenger().send_text(TEXT)
    assert refused.value.code == code


def test_a_text_that_failed_at_once_is_refused(fake: FakeMessages) -> None:
    fake.status = "failed"
    with pytest.raises(TextRefusedError):
        TwilioMessenger().send_text(TEXT)


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, 20429), (429, None), (400, 21611), (429, 14107), (401, 20003), (403, 20003)],
)
def test_a_text_that_was_not_taken_now_is_throttled(fake: FakeMessages, status: int, code: int | None) -> None:
    fake.fault = lambda _: (status, twilio_error(code, status=status))
    with pytest.raises(ThrottledError):
        TwilioMessenger().send_text(TEXT)


@pytest.mark.parametrize(
    "answer", [(500, twilio_error(20500, status=500)), (503, None), (0, None), (201, {}), (201, {"sid": "x"})]
)
def test_without_a_readable_answer_the_outcome_is_unknown(fake: FakeMessages, answer: tuple[int, Any]) -> None:
    fake.fault = lambda _: answer
    with pytest.raises(OutcomeUnknownError):
        TwilioMessenger().send_text(TEXT)


def test_a_slow_answer_has_an_unknown_outcome(fake: FakeMessages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twilio_client, "make_http_client", lambda _: DeadlineHttpClient(1, _api_url()))
    given_up = threading.Event()

    def wait(_: str) -> None:
        given_up.wait(10)

    fake.fault, fake.after = wait, True
    with pytest.raises(OutcomeUnknownError):
        TwilioMessenger().send_text(TEXT)
    given_up.set()


def _api_url() -> str:
    return settings.text("TWILIO_API_URL")


def test_without_an_account_nothing_is_sent(fake: FakeMessages) -> None:
    other = replace(TEXT, org_id="org_other")
    with pytest.raises(TextRefusedError, match="buy a number first"):
        TwilioMessenger().send_text(other)
    assert TwilioMessenger().find_text(other, clock.now()) is None
    assert fake.requests == []


def test_without_credentials_nothing_is_sent(fake: FakeMessages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHBOARD_TWILIO_SECRET")
    with pytest.raises(ThrottledError):
        TwilioMessenger().send_text(TEXT)
    with pytest.raises(OutcomeUnknownError):
        TwilioMessenger().find_text(TEXT, clock.now())


def test_without_a_public_url_nothing_is_sent(fake: FakeMessages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", "")
    with pytest.raises(TextRefusedError, match="no public URL"):
        TwilioMessenger().send_text(TEXT)
    assert fake.requests == []


def test_a_text_whose_answer_was_lost_is_found(fake: FakeMessages) -> None:
    since = clock.now()
    fake.fault, fake.after = lambda method: (500, None) if method == "POST" else None, True
    with pytest.raises(OutcomeUnknownError):
        TwilioMessenger().send_text(TEXT)
    assert TwilioMessenger().find_text(TEXT, since) == FoundText(f"SM{1:032x}", "queued")
    assert fake.requests[-1][2] == {"To": TEXT.to_number, "From": TEXT.from_number, "PageSize": "200"}


def test_a_found_text_tells_why_it_failed(fake: FakeMessages) -> None:
    TwilioMessenger().send_text(TEXT)
    fake.messages[0] |= {"status": "undelivered", "error_code": 30003}
    assert TwilioMessenger().find_text(TEXT, clock.now()) == FoundText(f"SM{1:032x}", "undelivered", 30003)


@pytest.mark.parametrize(
    "other",
    [
        {"body": "Another text."},
        {"direction": "inbound"},
        {"num_media": "0"},
        {"date_created": format_datetime(datetime.fromisoformat("2026-01-15T16:58:00+00:00"))},
        {"date_created": format_datetime(datetime.fromisoformat("2026-01-15T17:04:00+00:00"))},
    ],
)
def test_a_text_that_differs_is_not_the_one(fake: FakeMessages, other: dict[str, Any]) -> None:
    TwilioMessenger().send_text(TEXT)
    fake.messages[0] |= other
    assert TwilioMessenger().find_text(TEXT, clock.now()) is None


def test_several_equal_texts_leave_the_outcome_unknown(fake: FakeMessages) -> None:
    for _ in range(2):
        TwilioMessenger().send_text(TEXT)
    with pytest.raises(OutcomeUnknownError, match="several"):
        TwilioMessenger().find_text(TEXT, clock.now())


def test_a_full_list_leaves_the_outcome_unknown(fake: FakeMessages) -> None:
    for _ in range(200):
        fake.add({"To": TEXT.to_number, "From": TEXT.from_number, "Body": "other"})
    with pytest.raises(OutcomeUnknownError, match="too many"):
        TwilioMessenger().find_text(TEXT, clock.now())
    # A list that goes back further than the hand-over is complete.
    fake.messages[0]["date_created"] = format_datetime(clock.now() - timedelta(hours=1))
    assert TwilioMessenger().find_text(TEXT, clock.now()) is None


@pytest.mark.parametrize(
    "answer", [(500, None), (429, twilio_error(20429)), (404, twilio_error(20404)), (200, {"messages": 5})]
)
def test_a_search_without_an_answer_does_not_say_that_there_is_none(
    fake: FakeMessages, answer: tuple[int, Any]
) -> None:
    fake.fault = lambda _: answer
    with pytest.raises(OutcomeUnknownError):
        TwilioMessenger().find_text(TEXT, clock.now())


@pytest.mark.parametrize(("wanted", "sent"), [(300, "300"), (0, "1"), (10**6, "36000")])
def test_a_text_waits_at_twilio_only_as_long_as_it_may(fake: FakeMessages, wanted: int, sent: str) -> None:
    TwilioMessenger().send_text(replace(TEXT, valid_seconds=wanted))
    assert fake.requests[0][2]["ValidityPeriod"] == sent
