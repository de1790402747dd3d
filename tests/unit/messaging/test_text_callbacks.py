"""Twilio's callbacks about texts over HTTP: who may send them, and what is queued for the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from functions.callbacks.twilio_texts import handler
from switchboard.carriers.messages.ports.reports import IncomingText, TextReport, parse_text_report
from switchboard.carriers.numbers import get_inventory
from switchboard.carriers.numbers.ports.inventory import NumberSearch
from switchboard.carriers.voice.ports.reports import UnreadableCallbackError
from switchboard.carriers.voice.twilio import accounts
from switchboard.kit import clock
from switchboard.messaging.text_callbacks import NO_ANSWER, TextPlace
from switchboard.numbers import available, purchases, registration, service
from switchboard.numbers.models import Number
from switchboard.numbers.purchases import NumberOrder
from tests.actors import Tenant, system, tenant
from tests.fakes.twilio import MAIN, SUBACCOUNT, TOKEN, give_subaccount, serve_twilio
from tests.integration.sabotage import drain_queue
from tests.unit.edge.asking import Answer, send_request

_BASE = "http://localhost:8080"
_FORM = "application/x-www-form-urlencoded"
SID, SENDER = f"SM{'a' * 32}", "+14155550142"
CONVERSATION, MESSAGE = f"cnv_{'1' * 26}", f"sms_{'2' * 26}"


def make_number(acme: Tenant, place: int = 0) -> Number:
    offered = available.search_available_numbers(NumberSearch(limit=place + 1))[place].number.e164
    return purchases.buy_number(acme.caller(master=True), NumberOrder(offered))


@dataclass
class TextLine:
    """The carrier's side: it posts signed forms about a number, or about a text of the organization."""

    number: Number
    token: str | None = None

    def send(self, path: str, parameters: dict[str, str], *, signed_path: str | None = None) -> Answer:
        usual = {"AccountSid": accounts.simulated_account_sid(self.number.org_id), "MessageSid": SID}
        form = {name: value for name, value in {**usual, **parameters}.items() if value != "-"}
        token = self.token or accounts.simulated_token(self.number.org_id)
        signature = RequestValidator(token).compute_signature(_BASE + (signed_path or path), form)
        return send_request(
            handler.api,
            "POST",
            path,
            urlencode(form).encode(),
            headers={"content-type": _FORM, "x-twilio-signature": signature},
            binary=False,
        )

    def text(self, **form: str) -> Answer:
        usual = {"From": SENDER, "To": self.number.e164, "Body": "Hello.", "NumMedia": "0", "NumSegments": "1"}
        return self.send(f"/twilio/sms/{self.number.id}", usual | form)

    def report(self, status: str, tail: str = "", **form: str) -> Answer:
        path = f"/twilio/sms/messages/{self.number.org_id}/{CONVERSATION}/{MESSAGE}{tail}"
        return self.send(path, {"From": self.number.e164, "To": SENDER, "MessageStatus": status} | form)


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def line(acme: Tenant) -> TextLine:
    return TextLine(make_number(acme))


def queued() -> list[IncomingText | TextReport]:
    return [parse_text_report(body) for body in drain_queue("text-reports")]


def queued_text() -> IncomingText:
    (found,) = queued()
    assert isinstance(found, IncomingText)
    return found


def test_a_text_in_is_queued_and_answered_with_nothing(line: TextLine) -> None:
    answer = line.text(
        Body="See the photos",
        NumMedia="2",
        NumSegments="3",
        MediaUrl0="https://api.twilio.com/a",
        MediaContentType0="image/jpeg",
        MediaUrl1="https://api.twilio.com/b",
        OptOutType="STOP",
        FromCity="SAN FRANCISCO",
    )
    assert (answer.status, answer.body) == (200, NO_ANSWER)
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    found = queued_text()
    assert (found.org_id, found.number_id, found.provider_sid) == (line.number.org_id, line.number.id, SID)
    assert (found.from_number, found.to_number, found.body) == (SENDER, line.number.e164, "See the photos")
    assert [(one.url, one.content_type) for one in found.media] == [
        ("https://api.twilio.com/a", "image/jpeg"),
        ("https://api.twilio.com/b", ""),
    ]
    assert (found.segments, found.opt_out_type, found.simulated) == (3, "STOP", True)
    assert found.received_at == clock.now_iso()


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ({"Body": "a\0b"}, "ab"),
        ({"Body": "שלום \u202eabc"}, "שלום \u202eabc"),
        ({"Body": "😀" * 700}, "😀" * 700),
        ({"Body": "x" * 15_300, "NumSegments": "100"}, "x" * 15_300),
        ({"Body": ""}, ""),
        ({"Body": "-"}, ""),
    ],
)
def test_a_body_comes_through_as_it_was_written(line: TextLine, form: dict[str, str], body: str) -> None:
    assert line.text(**form).status == 200
    assert queued_text().body == body


@pytest.mark.parametrize(
    ("form", "segments", "media"),
    [
        ({"NumSegments": "100"}, 100, 0),
        ({"NumSegments": "0"}, 1, 0),
        ({"NumSegments": "many"}, 1, 0),
        ({"NumSegments": "99999999999"}, 1, 0),
        # Ten files are the most that Twilio sends.
        ({"NumMedia": "11", **{f"MediaUrl{place}": f"https://api.twilio.com/{place}" for place in range(11)}}, 1, 10),
        ({"NumMedia": "2", "MediaUrl1": "https://api.twilio.com/1"}, 1, 1),
        ({"NumMedia": "1", "MediaUrl0": "https://api.twilio.com/" + "x" * 3_000}, 1, 0),
        ({"NumMedia": "x"}, 1, 0),
    ],
)
def test_odd_figures_harm_nobody(line: TextLine, form: dict[str, str], segments: int, media: int) -> None:
    assert line.text(**form).status == 200
    found = queued_text()
    assert (found.segments, len(found.media)) == (segments, media)


def test_a_short_code_may_text_us(line: TextLine) -> None:
    assert line.text(From="72345").status == 200
    assert queued_text().from_number == "72345"


def test_a_repeated_callback_has_the_same_id(line: TextLine) -> None:
    for _ in range(2):
        assert line.text().status == 200
    assert [one.provider_sid for one in queued()] == [SID, SID]


@pytest.mark.parametrize("sid", ["-", "", "SM1", f"CA{'a' * 32}", f"SM{'A' * 32}"])
def test_a_form_without_an_id_of_a_text_is_refused(line: TextLine, sid: str) -> None:
    assert line.text(MessageSid=sid).status == 400
    assert line.report("delivered", MessageSid=sid).status == 400
    assert queued() == []


def test_an_older_name_of_the_id_counts_too(line: TextLine) -> None:
    assert line.text(MessageSid="-", SmsSid=SID).status == 200
    assert queued_text().provider_sid == SID


def test_a_text_for_another_number_is_not_queued(line: TextLine) -> None:
    assert line.text(To="+14155550198").status == 200
    assert queued() == []


def test_a_text_to_a_released_number_is_not_queued(acme: Tenant, line: TextLine) -> None:
    get_inventory().release(acme.org_id, line.number.sid)
    with clock.using(clock.FrozenClock("2026-03-01T00:00:00Z")):
        registration.sync_numbers(system(acme.org_id))
    assert line.text().status == 200
    assert queued() == []


@pytest.mark.parametrize("status", ["sent", "delivered", "undelivered", "failed", "canceled", "read"])
def test_a_status_that_tells_something_is_queued(line: TextLine, status: str) -> None:
    answer = line.report(status, ErrorCode="30003")
    assert (answer.status, answer.body) == (200, NO_ANSWER)
    (found,) = queued()
    assert isinstance(found, TextReport)
    assert (found.org_id, found.conversation_id, found.message_id) == (line.number.org_id, CONVERSATION, MESSAGE)
    assert (found.provider_sid, found.status, found.error_code) == (SID, status, 30003)


@pytest.mark.parametrize("status", ["accepted", "queued", "sending", "scheduled", "receiving", "new-word", ""])
def test_a_status_that_tells_nothing_new_is_not_queued(line: TextLine, status: str) -> None:
    assert line.report(status).status == 200
    assert queued() == []


def test_only_the_end_of_a_text_of_a_campaign_is_queued(line: TextLine) -> None:
    for status in ("queued", "sent", "delivered"):
        assert line.report(status, "/campaign").status == 200
    (found,) = queued()
    assert isinstance(found, TextReport)
    assert (found.status, found.error_code) == ("delivered", None)


@pytest.mark.parametrize("token", ["forged", ""])
def test_a_forged_signature_is_refused(line: TextLine, token: str) -> None:
    line.token = token or accounts.simulated_token("org_other")
    for answer in (line.text(), line.report("delivered")):
        assert (answer.status, answer.body) == (403, "")
    assert queued() == []


def test_a_form_cannot_be_sent_again_for_another_place(acme: Tenant, line: TextLine) -> None:
    other = make_number(acme, 1)
    answer = line.send(
        f"/twilio/sms/{other.id}", {"From": SENDER, "To": other.e164}, signed_path=f"/twilio/sms/{line.number.id}"
    )
    assert answer.status == 403
    begin = f"/twilio/sms/messages/{acme.org_id}/{CONVERSATION}"
    answer = line.send(f"{begin}/sms_{'3' * 26}", {"MessageStatus": "failed"}, signed_path=f"{begin}/{MESSAGE}")
    assert answer.status == 403


def test_the_organization_of_another_account_is_refused(line: TextLine) -> None:
    other = tenant("other")
    path = f"/twilio/sms/messages/{other.org_id}/{CONVERSATION}/{MESSAGE}"
    assert line.send(path, {"MessageStatus": "delivered"}).status == 403


def test_unknown_places_are_refused(line: TextLine) -> None:
    for path in ("/twilio/sms/num_00000000000000000000000000", "/twilio/sms/x", "/twilio/sms/messages/x/y/z"):
        assert line.send(path, {"From": SENDER, "To": "x"}).status in (403, 404)
    assert queued() == []


def test_the_simulated_carrier_texts_no_real_number(
    line: TextLine, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = line.number.model_copy(update={"provider": "twilio"})
    monkeypatch.setattr(service, "find_number", lambda _: real)
    assert line.text().status == 403
    with serve_twilio(lambda *_: (200, {"auth_token": "theirs"}), monkeypatch):
        give_subaccount(acme.org_id)
        for account, token in ((MAIN, TOKEN), (SUBACCOUNT, "theirs")):
            line.token = token
            assert line.text(AccountSid=account).status == 200
            assert queued_text().simulated is False


@pytest.mark.parametrize(
    "path",
    [
        "/twilio/voice/num_1",
        "/twilio/sms/",
        "/twilio/sms/num_1/more",
        "/twilio/sms/messages/org_1/cnv_1",
        "/twilio/sms/messages/org_1/cnv_1/sms_1/other",
        "/twilio/sms/messages/org_1/cnv_1/sms_1/campaign/more",
        "/twilio/sms/messages/org_1/../sms_1",
    ],
)
def test_a_path_that_we_gave_to_nobody_names_no_place(path: str) -> None:
    with pytest.raises(UnreadableCallbackError):
        TextPlace.of(path)


def test_a_path_names_a_number_or_a_text() -> None:
    assert TextPlace.of("/twilio/sms/num_1") == ("num_1", "", "", "", False)
    text: tuple[Any, ...] = ("", "org_1", "cnv_1", "sms_1")
    assert TextPlace.of("/twilio/sms/messages/org_1/cnv_1/sms_1") == (*text, False)
    assert TextPlace.of("/twilio/sms/messages/org_1/cnv_1/sms_1/campaign") == (*text, True)
