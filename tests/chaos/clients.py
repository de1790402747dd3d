"""Clients that use the four APIs again and again while processes are killed, and remember what was promised to them.

Each request has an Idempotency-Key (OptiComm: a `request_id`) and is repeated after a 5xx or a broken connection, as
the error says. Each object of a 2xx answer counts as promised.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.running import Running

#: How long a client repeats one request. A start of the stack on a busy machine takes less.
_LONGEST_SECONDS = 90
_PAUSE = 0.25
#: The request is under way elsewhere, or comes too early: it is repeated as well.
_LATER = frozenset({409, 429})
_ANSWERS = "+15005550006"
_BUSY = "+15005550010"
_TEXTED = "+15005550040"


@dataclass
class Promises:
    """The ids of what was answered 2xx, by kind, and everything that was wrong with an answer."""

    kept: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Client:
    """Sends the requests of the demo organization."""

    def __init__(self, stack: Running, promises: Promises) -> None:
        self.stack, self.promises = stack, promises
        keys = stack.keys
        self.agent = {"Authorization": f"Bearer {keys['ANIMA_AGENT_KEY']}"}
        self.master = {"Authorization": f"Bearer {keys['ANIMA_MASTER_KEY']}"}
        self.console = {"Cookie": f"bh_hum_session={keys['HUM_SESSION']}"}
        self.opticomm = {"X-API-Key": keys["OPTICOMM_TEST_KEY"]}
        self.flow_id = keys["OPTICOMM_AGENT_ID"]
        self.number_id = self.conversation_id = ""

    def send(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> Any:
        """Sends a request until it is answered 2xx. Returns the body; raises RuntimeError if that never happens."""
        headers = headers | ({"Idempotency-Key": secrets.token_hex(12)} if method == "POST" else {})
        deadline = time.monotonic() + _LONGEST_SECONDS
        last = ""
        while True:
            try:
                answer = httpx.request(
                    method, f"http://127.0.0.1:{self.stack.port}{path}", headers=headers, json=body, timeout=30
                )
            except httpx.TransportError as error:
                self.promises.statuses[type(error).__name__] += 1
                last = repr(error)
            else:
                self.promises.statuses[str(answer.status_code)] += 1
                last = f"{answer.status_code} {answer.text}"
                if answer.is_success:
                    return answer.json()
                self._check_refusal(method, path, answer)
            if time.monotonic() > deadline:
                raise RuntimeError(f"{method} {path} was not answered 2xx within {_LONGEST_SECONDS} s, but {last}")
            time.sleep(_PAUSE)

    def _check_refusal(self, method: str, path: str, answer: httpx.Response) -> None:
        if answer.is_server_error:
            if not tells_what_to_do(answer):
                told = f"{method} {path}: {answer.status_code} does not say what to do: {answer.text}"
                self.promises.faults.append(told)
        elif answer.status_code not in _LATER:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")

    def mail(self) -> str:
        body = {"to": "friend@example.com", "subject": "Hello", "body": "From an agent."}
        return str(self.send("POST", "/v1/email/send", self.agent, body)["id"])

    def call(self) -> str:
        body = {"to": _ANSWERS, "tier": "basic", "metadata": {"consent_source": "business-relationship"}}
        return str(self.send("POST", "/v1/voice/calls", self.agent, body)["callId"])

    def order(self) -> str:
        request_id = f"chaos-{secrets.token_hex(8)}"
        body = {"action": "initiate_call", "agent_id": self.flow_id, "phone_number": _BUSY, "request_id": request_id}
        return str(self.send("POST", "/functions/v1/external-api", self.opticomm, body)["call_id"])

    def contact(self) -> str:
        body = {"e164": f"+1628555{secrets.randbelow(10_000):04d}", "display_name": "Grace Hopper"}
        return str(self.send("POST", "/api/contacts", self.console, body)["id"])

    def text(self) -> str:
        body = {
            "twilio_number_id": self.number_id,
            "contact_e164": _TEXTED,
            "initial_message": {"body": f"Your code is {secrets.token_hex(3)}."},
        }
        opened = self.send("POST", "/api/sms/conversations", self.console, body)
        self.conversation_id = opened["id"]
        return str(opened["initial_message"]["message"]["id"])

    def buy_number(self) -> None:
        """Buys the number that texts."""
        offers = self.send("GET", "/api/numbers/available?areaCode=415&limit=1", self.console)["numbers"]
        bought = self.send("POST", "/api/numbers/buy", self.console, {"phoneNumber": offers[0]["phoneNumber"]})
        self.number_id = bought["id"]

    def register_webhook(self, url: str) -> None:
        """Registers a webhook for the mails and calls."""
        self.send("POST", "/v1/webhooks", self.master, {"url": url, "events": ["message.delivered", "call.ended"]})


#: The ways to make an object, by its kind.
KINDS: dict[str, Callable[[Client], str]] = {
    "mail": Client.mail,
    "call": Client.call,
    "order": Client.order,
    "contact": Client.contact,
    "text": Client.text,
}


def tells_what_to_do(answer: httpx.Response) -> bool:
    """Whether an error of ours says that the request may be repeated."""
    return answer.headers["content-type"].endswith("json") and "try" in answer.text


class Crowd:
    """A thread for each kind, which makes one object after another until it is stopped."""

    def __init__(self, client: Client) -> None:
        self._client, self._stopped = client, threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(kind,), daemon=True) for kind in KINDS]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets each thread finish its request."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(2 * _LONGEST_SECONDS)

    def _work(self, kind: str) -> None:
        promises = self._client.promises
        while not self._stopped.wait(_PAUSE):
            try:
                promises.kept[kind].append(KINDS[kind](self._client))
            except Exception as error:  # noqa: BLE001 each is a fault of the run
                promises.faults.append(f"{kind}: {error!r}")
                return
