"""Texts over HTTP with the simulated carrier: people text, answer, opt out and cannot be reached."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.conftest import Stack
from tests.integration.conftest import wait_until
from tests.integration.test_cli import run_command

_WAIT_SECONDS = 60
YES, STOP, SILENT, UNREACHABLE, BLOCKED, ASKS_TO_STOP = (f"+1500555004{digit}" for digit in range(6))


class Console:
    """A member's console, with a number of its own."""

    def __init__(self, stack: Stack, http: httpx.Client) -> None:
        self._stack, self._http = stack, http
        offered = http.get("/api/numbers/available", params={"limit": 1, "smsEnabled": "true"}).json()
        self.e164 = next(iter(offered.values()))[0]["phoneNumber"]
        bought = http.post("/api/numbers/buy", json={"phoneNumber": self.e164})
        assert bought.status_code == 201, bought.text
        found = http.get("/api/numbers").json()["numbers"]
        self.number_id = next(row["id"] for row in found if row["e164"] == self.e164)

    def text_in(self, sender: str, body: str = "", *words: str) -> str:
        """Lets a simulated person text. Returns the carrier's id of the text."""
        given = ("--to", self.e164, "--from", sender, "--body", body, *words, "--json")
        printed = run_command("simulate", "text", *given, "--local", str(self._stack.home), cwd=self._stack.home)
        return str(json.loads(printed)["message_sid"])

    def find_conversation(self, contact: str) -> dict[str, Any] | None:
        rows = self._http.get("/api/sms/conversations", params={"twilio_number_id": self.number_id}).json()
        return next((row for row in rows["conversations"] if row["contact_e164"] == contact), None)

    def start(self, contact: str, body: str) -> str:
        """Starts a conversation with a text. Returns its id."""
        order = {"twilio_number_id": self.number_id, "contact_e164": contact, "initial_message": {"body": body}}
        made = self._http.post("/api/sms/conversations", json=order)
        assert made.status_code == 201, made.text
        return str((made.json().get("conversation") or made.json())["id"])

    def send(self, conversation_id: str, body: str) -> httpx.Response:
        return self._http.post(f"/api/sms/conversations/{conversation_id}/messages", json={"body": body})

    def list_texts(self, conversation_id: str) -> list[dict[str, Any]]:
        """Returns the texts of a conversation, the oldest first."""
        path = f"/api/sms/conversations/{conversation_id}/messages"
        texts: list[dict[str, Any]] = self._http.get(path).json()["messages"]
        return texts[::-1]

    def wait_for_texts(
        self, conversation_id: str, wanted: Callable[[list[dict[str, Any]]], bool]
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = self.list_texts(conversation_id)
            return wanted(found)

        wait_until(look, _WAIT_SECONDS)
        return found


@pytest.fixture(scope="module")
def console(stack: Stack) -> Any:
    origin = stack.url.replace("127.0.0.1", "localhost")
    cookies, headers = {"bh_hum_session": stack.keys["HUM_SESSION"]}, {"origin": origin}
    with httpx.Client(base_url=origin, cookies=cookies, headers=headers, timeout=20) as http:
        yield Console(stack, http)


def test_a_person_texts_us_and_the_conversation_appears_once(console: Console) -> None:
    sender = "+14155550151"
    sid = console.text_in(sender, "מתי אתם פותחים? 🎉", "--times", "3")
    talk = wait_until(lambda: console.find_conversation(sender), _WAIT_SECONDS)
    assert (talk["unread_count"], talk["status"], talk["simulated"]) == (1, "open", True)
    # The second text comes after the repeated reports of the first.
    console.text_in(sender, "Hello?")
    texts = console.wait_for_texts(talk["id"], lambda found: len(found) > 1)
    assert [(text["body"], text["direction"], text["author"]) for text in texts] == [
        ("מתי אתם פותחים? 🎉", "inbound", "contact"),
        ("Hello?", "inbound", "contact"),
    ]
    assert texts[0]["provider_sid"] == sid


def test_a_text_of_a_hundred_segments_with_too_many_files_is_kept(console: Console) -> None:
    sender, body = "+14155550152", "a" * 15_300
    files = [word for place in range(11) for word in ("--media", f"https://files.invalid/{place}.jpg")]
    console.text_in(sender, body, *files)
    talk = wait_until(lambda: console.find_conversation(sender), _WAIT_SECONDS)
    (text,) = console.list_texts(talk["id"])
    assert (text["body"], text["segments"], len(text["media"])) == (body, 100, 10)


def test_a_text_is_delivered_and_answered(console: Console) -> None:
    talk = console.start(YES, "Are you coming on Friday?")
    texts = console.wait_for_texts(talk, lambda found: len(found) > 1 and found[0]["status"] == "delivered")
    assert [(text["body"], text["direction"]) for text in texts] == [
        ("Are you coming on Friday?", "outbound"),
        ("yes", "inbound"),
    ]
    assert texts[0]["delivered_at"]


def test_a_text_that_does_not_arrive_says_why(console: Console) -> None:
    talk = console.start(UNREACHABLE, "Are you there?")
    (text,) = console.wait_for_texts(talk, lambda found: found[0]["status"] == "undelivered")
    assert (text["error_code"], bool(text["error_message"])) == ("30003", True)


def test_an_opt_out_at_the_carrier_is_ours_too(console: Console) -> None:
    talk = console.start(BLOCKED, "Hello.")
    (text,) = console.wait_for_texts(talk, lambda found: found[0]["status"] == "failed")
    assert text["error_code"] in ("opted_out", "21610")
    wait_until(lambda: (console.find_conversation(BLOCKED) or {}).get("opted_out"), _WAIT_SECONDS)
    assert console.send(talk, "Once more.").json()["error"] == "opted_out"


@pytest.mark.parametrize(("contact", "said"), [(STOP, "STOP"), (ASKS_TO_STOP, "please stop texting me")])
def test_nobody_is_texted_after_an_opt_out(console: Console, contact: str, said: str) -> None:
    talk = console.start(contact, "Are you interested?")
    texts = console.wait_for_texts(talk, lambda found: any(text["direction"] == "inbound" for text in found))
    assert said in [text["body"] for text in texts]
    wait_until(lambda: (console.find_conversation(contact) or {}).get("opted_out"), _WAIT_SECONDS)
    refused = console.send(talk, "Once more.")
    assert (refused.status_code, refused.json()["error"]) == (403, "opted_out")


def test_only_the_carrier_may_report(console: Console, stack: Stack) -> None:
    org_id = json.loads((stack.home / "demo.json").read_text())["ORGANIZATION_ID"]
    status = f"/twilio/sms/messages/{org_id}/cnv_{'1' * 26}/sms_{'2' * 26}"
    form = {"MessageSid": f"SM{'1' * 32}", "From": "+14155550153", "To": console.e164, "Body": "forged"}
    for path in (f"/twilio/sms/{console.number_id}", status, f"{status}/campaign", "/twilio/sms/x"):
        for headers in ({}, {"x-twilio-signature": "Zm9yZ2Vk"}):
            answer = httpx.post(f"{stack.url}{path}", data=form, headers=headers, timeout=20)
            assert (answer.status_code, answer.text) in ((403, ""), (404, ""))
    assert console.find_conversation("+14155550153") is None
