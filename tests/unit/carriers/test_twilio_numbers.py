"""Twilio's numbers: the SDK against a local server that speaks Twilio's API."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from switchboard.carriers.numbers import twilio
from switchboard.carriers.numbers.ports.inventory import (
    LIST_SECONDS,
    SECONDS,
    UNAVAILABLE,
    Features,
    NumberSearch,
    NumberSettings,
)
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.twilio_http import DeadlineHttpClient
from tests.fakes.twilio import MAIN, serve_twilio, twilio_error

NUMBER, ORG = "+14155550128", "org_acme"
_URL = "https://api.example.com/twilio"
FULL = NumberSettings(
    "Desk", f"{_URL}/voice/num_1", f"{_URL}/voice/num_1/status", f"{_URL}/sms/num_1", f"{_URL}/fallback"
)
_ALL = {"voice": True, "SMS": True, "MMS": False}


class FakeTwilio:
    """Twilio's accounts, numbers on sale, and numbers of accounts. `faults` answer the next requests instead."""

    def __init__(self) -> None:
        self.accounts: dict[str, str] = {}
        self.numbers: dict[str, dict[str, dict[str, Any]]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.faults: list[Callable[[str], tuple[int, Any] | None]] = []
        self.closed: set[str] = set()
        self.page_size = 50
        #: A page of a list of numbers that answers with this status.
        self.broken_page: tuple[int, int] | None = None

    def answer(self, method: str, path: str, given: dict[str, str]) -> tuple[int, Any]:
        self.requests.append((method, path, given))
        for fault in self.faults:
            if found := fault(f"{method} {path}"):
                return found
        parts = path.removeprefix("/2010-04-01/").removesuffix(".json").split("/")
        match (method, parts):
            case ("GET", ["Accounts"]):
                rows = [
                    {"sid": sid, "friendly_name": name, "date_created": None}
                    for sid, name in self.accounts.items()
                    if name == given["FriendlyName"]
                ]
                return 200, {"accounts": rows, "page": 0}
            case ("POST", ["Accounts"]):
                sid = f"AC{len(self.accounts) + 1:032x}"
                self.accounts[sid] = given["FriendlyName"]
                return 201, {"sid": sid, "friendly_name": given["FriendlyName"]}
            case ("GET", ["Accounts", sid]):
                return 200, {"sid": sid, "status": "closed" if sid in self.closed else "active"}
            case ("POST", ["Accounts", sid]):
                assert given == {"Status": "closed"}
                self.closed.add(sid)
                self.numbers.pop(sid, None)
                return 200, {"sid": sid, "status": "closed"}
            case ("GET", ["Accounts", _, "AvailablePhoneNumbers", country, kind]):
                row = {
                    "phone_number": NUMBER, "friendly_name": "(415) 555-0128", "locality": "San Francisco",
                    "region": "CA", "postal_code": "94103", "iso_country": country, "latitude": "37.77",
                    "longitude": "-122.41", "capabilities": _ALL, "beta": False,
                }  # fmt: skip
                return 200, {"available_phone_numbers": [row] if kind == "Local" else [], "page": 0}
            case ("POST", ["Accounts", account, "IncomingPhoneNumbers"]):
                if any(
                    given["PhoneNumber"] == one["phone_number"]
                    for mine in self.numbers.values()
                    for one in mine.values()
                ):
                    return 400, twilio_error(21422, "not available")
                bought = self.add(account, given["PhoneNumber"], given["FriendlyName"])
                return 201, bought | {_snake(name): value for name, value in given.items()}
            case ("GET", ["Accounts", account, "IncomingPhoneNumbers"]):
                rows = [
                    one
                    for one in self.numbers.get(account, {}).values()
                    if given.get("PhoneNumber") in (None, one["phone_number"])
                ]
                page = int(given.get("Page", 0))
                if self.broken_page and self.broken_page[0] == page:
                    return self.broken_page[1], twilio_error(20000, "no", self.broken_page[1])
                begin, size = page * self.page_size, self.page_size
                more = f"{path}?PageSize=1000&Page={page + 1}" if begin + size < len(rows) else None
                return 200, {"incoming_phone_numbers": rows[begin : begin + size], "page": page, "next_page_uri": more}
            case (_, ["Accounts", account, "IncomingPhoneNumbers", sid]):
                known = self.numbers.get(account, {}).get(sid)
                if known is None:
                    return 404, twilio_error(20404, "not found")
                if method == "DELETE":
                    del self.numbers[account][sid]
                    return 204, None
                if method == "POST":
                    # Twilio clears what is sent empty.
                    known |= {_snake(name): value or None for name, value in given.items()}
                return 200, known
        return 404, twilio_error(20404, "no such path")

    def add(self, account: str, e164: str, friendly_name: str = "") -> dict[str, Any]:
        mine = self.numbers.setdefault(account, {})
        sid = f"PN{int(e164[1:]):032x}"
        mine[sid] = {"sid": sid, "phone_number": e164, "friendly_name": friendly_name, "capabilities": _ALL}
        return mine[sid]


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


@pytest.fixture
def fake(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTwilio]:
    made = FakeTwilio()
    with serve_twilio(made.answer, monkeypatch):
        yield made


@pytest.fixture
def inventory(fake: FakeTwilio) -> twilio.TwilioInventory:
    return twilio.TwilioInventory()


def always(status: int, answer: Any, begins: str = "") -> Callable[[str], tuple[int, Any] | None]:
    return lambda request: (status, answer) if request.startswith(begins) else None


def test_a_search_sends_every_filter(fake: FakeTwilio, inventory: twilio.TwilioInventory) -> None:
    search = NumberSearch("US", "Local", "415", "555*1", "CA", "San Francisco", "94103", True, True, False, 7)
    (found,) = inventory.search(search)
    assert (found.e164, found.locality, found.latitude) == (NUMBER, "San Francisco", 37.77)
    assert found.features == Features(voice=True, sms=True, mms=False)
    assert fake.requests[0][1:] == (
        f"/2010-04-01/Accounts/{MAIN}/AvailablePhoneNumbers/US/Local.json",
        {
            "AreaCode": "415", "Contains": "555*1", "InRegion": "CA", "InLocality": "San Francisco",
            "InPostalCode": "94103", "VoiceEnabled": "true", "SmsEnabled": "true", "MmsEnabled": "false",
            "PageSize": "7",
        },
    )  # fmt: skip
    assert inventory.search(NumberSearch(type="TollFree")) == []


def test_an_organization_buys_into_its_own_subaccount(fake: FakeTwilio, inventory: twilio.TwilioInventory) -> None:
    bought = inventory.buy(ORG, NUMBER, NumberSettings("Desk"))
    (account,) = fake.accounts
    assert fake.accounts[account] == f"switchboard {ORG}"
    assert list(fake.numbers) == [account]
    assert inventory.find(ORG, NUMBER) == inventory.fetch(ORG, bought.sid) == bought
    assert inventory.list_owned(ORG) == [bought]
    assert (inventory.fetch("org_other", bought.sid), inventory.list_owned("org_other")) == (None, [])
    inventory.buy(ORG, "+14155550146", NumberSettings("Other"))
    assert len(fake.accounts) == 1


def test_a_subaccount_that_was_opened_without_an_answer_is_found(
    fake: FakeTwilio, inventory: twilio.TwilioInventory
) -> None:
    fake.accounts["AC" + "f" * 32] = f"switchboard {ORG}"
    inventory.buy(ORG, NUMBER, NumberSettings("Desk"))
    assert (len(fake.accounts), list(fake.numbers)) == (1, ["AC" + "f" * 32])


@pytest.mark.parametrize(
    ("status", "code", "raised", "text"),
    [
        (400, 21422, RefusedError, UNAVAILABLE),
        (400, 21452, RefusedError, UNAVAILABLE),
        (400, 21631, RefusedError, "Twilio's error 21631"),
        (401, 20003, ThrottledError, "20003"),
        (429, 20429, ThrottledError, "20429"),
        (500, 20500, OutcomeUnknownError, "20500"),
        (503, None, OutcomeUnknownError, "503"),
    ],
)
def test_each_refusal_of_a_purchase_has_its_meaning(
    fake: FakeTwilio, inventory: twilio.TwilioInventory, status: int, code: int, raised: type[Exception], text: str
) -> None:
    inventory.buy(ORG, "+14155550146", NumberSettings("First"))
    fake.faults.append(always(status, {"code": code, "message": "no", "status": status}, "POST"))
    with pytest.raises(raised) as refused:
        inventory.buy(ORG, NUMBER, NumberSettings("Desk"))
    assert str(refused.value) == text


@pytest.mark.parametrize("broken", [(0, None), (201, "no number")])
def test_a_purchase_without_a_readable_answer_is_unknown(
    fake: FakeTwilio, inventory: twilio.TwilioInventory, broken: tuple[int, Any]
) -> None:
    inventory.buy(ORG, "+14155550146", NumberSettings("First"))
    fake.faults.append(always(*broken, "POST"))
    with pytest.raises(OutcomeUnknownError):
        inventory.buy(ORG, NUMBER, NumberSettings("Desk"))


def test_a_purchase_whose_subaccount_cannot_be_opened_bought_nothing(
    fake: FakeTwilio, inventory: twilio.TwilioInventory
) -> None:
    fake.faults.append(always(500, twilio_error(20500, "down"), "POST"))
    with pytest.raises(ThrottledError):
        inventory.buy(ORG, NUMBER, NumberSettings("Desk"))
    fake.faults.clear()
    assert inventory.buy(ORG, NUMBER, NumberSettings("Desk")).e164 == NUMBER


def test_a_large_inventory_is_read_page_by_page(fake: FakeTwilio, inventory: twilio.TwilioInventory) -> None:
    inventory.buy(ORG, NUMBER, NumberSettings("Desk"))
    (account,) = fake.accounts
    for number in range(120):
        fake.add(account, f"+1212555{number:04d}")
    assert len(inventory.list_owned(ORG)) == 121


def test_each_page_of_a_large_inventory_has_its_own_time(fake: FakeTwilio) -> None:
    given: list[float] = []

    def make_client(seconds: float) -> DeadlineHttpClient:
        given.append(seconds)
        return DeadlineHttpClient(seconds, clients_url(), 0.5)

    slow = twilio.TwilioInventory(make_client)
    slow.buy(ORG, NUMBER, NumberSettings("Desk"))
    (account,) = fake.accounts
    for number in range(200):
        fake.add(account, f"+1212555{number:04d}")
    fake.faults.append(lambda _: (time.sleep(0.15), None)[1])
    assert len(slow.list_owned(ORG)) == 201, "five pages take longer than one request may"
    assert given == [SECONDS, LIST_SECONDS]
    assert LIST_SECONDS < 29 - SECONDS


@pytest.mark.parametrize("page", [0, 1])
@pytest.mark.parametrize("status", [404, 429, 500])
def test_a_part_of_an_inventory_is_no_inventory(
    fake: FakeTwilio, inventory: twilio.TwilioInventory, page: int, status: int
) -> None:
    inventory.buy(ORG, NUMBER, NumberSettings("Desk"))
    (account,) = fake.accounts
    for number in range(60):
        fake.add(account, f"+1212555{number:04d}")
    fake.broken_page = (page, status)
    with pytest.raises((ThrottledError, OutcomeUnknownError)):
        inventory.list_owned(ORG)


def test_a_number_is_configured_and_released(fake: FakeTwilio, inventory: twilio.TwilioInventory) -> None:
    bought = inventory.buy(ORG, NUMBER, NumberSettings("Desk"))
    url = "https://api.example.com/twilio/voice/num_1"
    inventory.configure(ORG, bought.sid, NumberSettings("Night", url, f"{url}/status", None))
    (account,) = fake.accounts
    kept = fake.numbers[account][bought.sid]
    assert (kept["voice_url"], kept["voice_method"]) == (url, "POST")
    assert kept["status_callback"] == f"{url}/status#rc=3&rp=all"
    inventory.release(ORG, bought.sid)
    inventory.release(ORG, bought.sid)
    assert inventory.list_owned(ORG) == []
    with pytest.raises(RefusedError):
        inventory.configure(ORG, bought.sid, NumberSettings("Night", url, None, None))


def test_an_inventory_is_closed_once_with_all_its_numbers(fake: FakeTwilio, inventory: twilio.TwilioInventory) -> None:
    assert not inventory.close(ORG), "an organization without a number has no subaccount"
    inventory.buy(ORG, NUMBER, NumberSettings("Desk"))
    assert inventory.close(ORG)
    assert (fake.closed, fake.numbers) == ({*fake.accounts}, {})
    assert not inventory.close(ORG)
    fake.faults.append(lambda request: (503, {}) if request.startswith("GET") else None)
    with pytest.raises(ThrottledError):
        inventory.close(ORG)


def test_a_configured_number_reaches_us_whatever_was_set_before(
    fake: FakeTwilio, inventory: twilio.TwilioInventory
) -> None:
    bought = inventory.buy(ORG, NUMBER, NumberSettings("Desk"))
    (account,) = fake.accounts
    kept = fake.numbers[account][bought.sid]
    kept |= dict.fromkeys(("voice_method", "sms_method", "status_callback_method"), "GET")
    kept |= {"voice_application_sid": "AP1", "sms_application_sid": "AP2", "trunk_sid": "TK1"}
    inventory.configure(ORG, bought.sid, NumberSettings("Desk"))
    assert kept["trunk_sid"] == "TK1", "without addresses of ours, the number stays as it is"
    inventory.configure(ORG, bought.sid, FULL)
    assert (
        kept
        | {
            "voice_url": FULL.voice_url,
            "voice_method": "POST",
            "voice_fallback_url": FULL.voice_fallback_url,
            "voice_fallback_method": "GET",
            "status_callback": f"{FULL.status_url}#rc=3&rp=all",
            "status_callback_method": "POST",
            "sms_url": f"{FULL.sms_url}#rc=3&rp=all",
            "sms_method": "POST",
            "voice_application_sid": None,
            "sms_application_sid": None,
            "trunk_sid": None,
        }
        == kept
    )


def test_a_number_is_bought_with_its_addresses(fake: FakeTwilio, inventory: twilio.TwilioInventory) -> None:
    inventory.buy(ORG, NUMBER, FULL)
    _, _, given = fake.requests[-1]
    assert given == {
        "PhoneNumber": NUMBER,
        "FriendlyName": "Desk",
        "VoiceUrl": FULL.voice_url,
        "VoiceMethod": "POST",
        "VoiceFallbackUrl": FULL.voice_fallback_url,
        "VoiceFallbackMethod": "GET",
        "StatusCallback": f"{FULL.status_url}#rc=3&rp=all",
        "StatusCallbackMethod": "POST",
        "SmsUrl": f"{FULL.sms_url}#rc=3&rp=all",
        "SmsMethod": "POST",
    }


def test_a_slow_provider_gets_one_deadline_for_all_requests(fake: FakeTwilio) -> None:
    inventory = twilio.TwilioInventory(lambda _: DeadlineHttpClient(0.1, "http://127.0.0.1:9"))
    with pytest.raises(ThrottledError):
        inventory.search(NumberSearch())
    hanging = threading.Event()
    fake.faults.append(lambda _: (hanging.wait(5), None)[1])
    late = twilio.TwilioInventory(lambda _: DeadlineHttpClient(0.4, clients_url()))
    with pytest.raises(OutcomeUnknownError):
        late.search(NumberSearch())
    hanging.set()


def clients_url() -> str:
    from switchboard.kit import settings

    return settings.text("TWILIO_API_URL")
