"""A client of the stack that checks every response against the document, and one successful request per operation."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.cookiejar import DefaultCookiePolicy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from infra import openapi
from tests.contract.spec import STREAM, Spec

OURS = Spec.read(openapi.FOLDER / "anima.json")
#: The documents to check responses against, by the beginning of an API's paths.
SERVED = {
    "/v1/": OURS,
    "/functions/v1/": Spec.read(openapi.FOLDER / "opticomm.json"),
    "/api/external/v1/": Spec.read(openapi.FOLDER / "athos.json"),
    "/api/": Spec.read(openapi.FOLDER / "hum.json"),
    "/auth/": Spec.read(openapi.FOLDER / "hum.json"),
}


def make_client(url: str) -> httpx.Client:
    """A client that checks every response of an API with a document: status, headers, media type and body."""

    def check(response: httpx.Response) -> None:
        path = f"{response.request.url.path}/"
        base = max((base for base in SERVED if path.startswith(base)), key=len, default=None)
        # A browser's preflight request has no body and is not part of a document.
        asked = response.request.method == "OPTIONS" and response.is_success
        if base and not asked:
            SERVED[base].check(response)

    made = httpx.Client(base_url=url, timeout=20, event_hooks={"response": [check]})
    # Many people share this client: it sends no cookie unless a request has its own.
    made.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return made


@dataclass(frozen=True)
class Ask:
    """A request."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    #: The files of a form: by field the name, the bytes and the media type.
    files: dict[str, tuple[str, bytes, str]] = field(default_factory=dict)
    #: A body that is not JSON. The headers name its media type.
    content: bytes | None = None

    def with_headers(self, **headers: str | None) -> Ask:
        """The request with other headers; `None` takes one away."""
        changed = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={name: value for name, value in changed.items() if value is not None})

    def send(self, http: httpx.Client, **options: Any) -> httpx.Response:
        """The response; for an endless response, the first block. Options replace the body."""
        body = {"json": self.body} if self.body is not None else {}
        raw = {"content": self.content} if self.content is not None else body
        sent = options or ({"files": self.files} if self.files else raw)
        with http.stream(self.method, self.path, params=self.query, headers=self.headers, **sent) as answer:
            if answer.headers.get("content-type") != STREAM:
                answer.read()
                return answer
            first = next(answer.iter_raw())
        return httpx.Response(answer.status_code, headers=answer.headers, content=first, request=answer.request)


@dataclass(frozen=True)
class Organization:
    """An organization over HTTP, with the keys that a test may use."""

    http: httpx.Client
    id: str
    agent_id: str
    agent_key: str
    master_key: str
    #: Delivers a mail to an address of the platform.
    post: Callable[[bytes, str], Any] | None = None
    #: Makes the first attempt of a delivery, where no worker runs.
    deliver: Callable[[str], Any] | None = None

    @property
    def agent(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.agent_key}"}

    @property
    def master(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.master_key}"}


def unique_name() -> str:
    """A unique name."""
    return f"agent-{secrets.token_hex(6)}"


def sign_up_body() -> dict[str, Any]:
    """The body of a sign-up."""
    name = unique_name()
    return {"human_email": f"{name}@example.com", "username": name}


def sign_up(http: httpx.Client) -> Organization:
    """A new organization, on the free plan."""
    made = http.post("/v1/agent/sign-up", json=sign_up_body()).json()
    return Organization(http, made["organization_id"], made["agent_id"], made["api_key"], made["master_key"])


MAIL = {"to": "you@example.com", "subject": "Hello", "body": "From an agent."}


def _message(org: Organization) -> str:
    return str(org.http.post("/v1/email/send", json=MAIL, headers=org.agent).json()["id"])


def _suppressed(org: Organization) -> str:
    """The path of a suppressed address."""
    address = f"{unique_name()}@example.com"
    org.http.post("/v1/email/suppressions", json={"address": address}, headers=org.master)
    return f"/v1/email/suppressions/{address}"


def _unsubscribing(org: Organization) -> str:
    """The path by which a recipient unsubscribes from a mail."""
    mail = MAIL | {"to": f"{unique_name()}@example.com"}
    sent = org.http.post("/v1/email/send", json=mail, headers=org.agent).json()["id"]
    link = org.http.get(f"/v1/email/messages/{sent}", headers=org.agent).json()["unsubscribeUrl"]
    return urlsplit(link).path


FROM_OUTSIDE = b"""\
From: you@example.com\r
Subject: From outside\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
\r
See the file.\r
--b\r
Content-Type: text/csv\r
Content-Disposition: attachment; filename=rows.csv\r
\r
1,2\r
--b--\r
"""
_received: dict[str, str] = {}


def _inbound(org: Organization) -> str:
    """The path of a received mail with a file. One is enough for all tests of an organization."""
    if org.id not in _received:
        assert org.post
        agent = org.http.get(f"/v1/agents/{org.agent_id}", headers=org.agent).json()
        org.post(FROM_OUTSIDE, agent["emailIdentities"][0]["email"])
        query = {"direction": "INBOUND", "label": "unread"}
        deadline = time.monotonic() + 20
        while not (found := org.http.get("/v1/email/messages", params=query, headers=org.agent).json()["items"]):
            assert time.monotonic() < deadline, "the mail did not arrive"
            time.sleep(0.1)
        _received[org.id] = found[0]["id"]
    return f"/v1/email/messages/{_received[org.id]}"


def _file(org: Organization) -> str:
    path = _inbound(org)
    return f"{path}/attachments/{org.http.get(path, headers=org.agent).json()['attachments'][0]['id']}"


def _workflow(org: Organization) -> str:
    name = unique_name()
    org.http.post("/v1/email/send", json=MAIL, headers=org.agent | {"x-correlation-id": name})
    return name


CALL = {"to": "+14155550142", "tier": "basic", "metadata": {"consent_source": "business-relationship"}}


def _call(org: Organization) -> str:
    return str(org.http.post("/v1/voice/calls", json=CALL, headers=org.agent).json()["callId"])


def _key(org: Organization) -> str:
    body = {"name": "spare", "agentId": org.agent_id}
    return str(org.http.post("/v1/keys", json=body, headers=org.master).json()["id"])


#: A webhook whose deliveries fail at once and permanently. Its host is the receiver's.
HOOK = {"url": "http://127.0.0.1/hook", "events": ["message.sent"], "maxAttempts": 1}
_hooks: dict[str, str] = {}


class Rejecting(BaseHTTPRequestHandler):
    """An endpoint that refuses every delivery."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(400)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Disable the server's log."""


@contextmanager
def rejecting_receiver() -> Iterator[None]:
    """Route HOOK to an endpoint on this machine, within the block."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Rejecting) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        HOOK["url"] = f"http://127.0.0.1:{server.server_address[1]}/hook"
        yield
        server.shutdown()


def _hook(org: Organization) -> str:
    """The path of a webhook; one is enough for all tests of an organization."""
    if org.id not in _hooks:
        _hooks[org.id] = _new_hook(org)
    return _hooks[org.id]


def _new_hook(org: Organization) -> str:
    return f"/v1/webhooks/{org.http.post('/v1/webhooks', json=HOOK, headers=org.master).json()['id']}"


def _failed(org: Organization) -> str:
    """The path of a delivery that failed."""
    made = org.http.post(f"{_hook(org)}/test", headers=org.master).json()
    path = f"/v1/webhooks/deliveries/{made['deliveryId']}"
    if org.deliver:
        org.deliver(made["deliveryId"])
    deadline = time.monotonic() + 20
    while org.http.get(path, headers=org.master).json()["status"] == "PENDING":
        assert time.monotonic() < deadline, "no delivery was attempted"
        time.sleep(0.1)
    return path


_numbers = count(secrets.randbelow(10_000) * 100)


def unused_number() -> str:
    """A number that no other request uses."""
    return f"+1415556{next(_numbers) % 10_000:04d}"


def _entered(org: Organization, ledger: str) -> str:
    """The path of a number that is in a ledger."""
    fresh = unused_number()
    more = {"source": "opt-in:web-form"} if ledger == "consents" else {}
    made = Ask("POST", f"/v1/compliance/{ledger}", {"e164": fresh, **more}, headers=org.master).send(org.http)
    assert made.status_code == 201, made.text
    return f"/v1/compliance/{ledger}/{quote(fresh)}"


#: For each operation a successful request.
GOOD: dict[str, Callable[[Organization], Ask]] = {
    "agentSignUp": lambda _: Ask("POST", "/v1/agent/sign-up", sign_up_body()),
    "emailSend": lambda org: Ask("POST", "/v1/email/send", dict(MAIL), headers=org.agent),
    "emailList": lambda org: Ask("GET", "/v1/email/messages", headers=org.agent),
    "emailGet": lambda org: Ask("GET", f"/v1/email/messages/{_message(org)}", headers=org.agent),
    "emailLabel": lambda org: Ask("POST", f"{_inbound(org)}/labels", {"add": ["archived"]}, headers=org.agent),
    "emailAttachment": lambda org: Ask("GET", _file(org), headers=org.agent),
    "emailSuppressionList": lambda org: Ask("GET", "/v1/email/suppressions", headers=org.master),
    "emailSuppressionAdd": lambda org: Ask(
        "POST", "/v1/email/suppressions", {"address": f"{unique_name()}@example.com"}, headers=org.master
    ),
    "emailSuppressionLift": lambda org: Ask("DELETE", _suppressed(org), headers=org.master),
    "emailUnsubscribePage": lambda org: Ask("GET", _unsubscribing(org)),
    "emailUnsubscribe": lambda org: Ask("POST", _unsubscribing(org)),
    "auditByCorrelation": lambda org: Ask(
        "GET", "/v1/audit/events", query={"correlation_id": _workflow(org)}, headers=org.agent
    ),
    "voicePlace": lambda org: Ask("POST", "/v1/voice/calls", dict(CALL), headers=org.agent),
    "voiceList": lambda org: Ask("GET", "/v1/voice/calls", headers=org.agent),
    "voiceGet": lambda org: Ask("GET", f"/v1/voice/calls/{_call(org)}", headers=org.agent),
    "voiceTranscript": lambda org: Ask("GET", f"/v1/voice/calls/{_call(org)}/transcript", headers=org.agent),
    "voiceVerdict": lambda org: Ask("GET", f"/v1/voice/calls/{_call(org)}/verdict", headers=org.agent),
    "voiceCatalog": lambda org: Ask("GET", "/v1/voice/catalog", headers=org.agent),
    "eventsStream": lambda org: Ask("GET", "/v1/events/stream", headers=org.agent),
    "auditExport": lambda org: Ask("GET", "/v1/audit/export", headers=org.master),
    "agentCreate": lambda org: Ask("POST", "/v1/agents", {"username": unique_name()}, headers=org.master),
    "agentList": lambda org: Ask("GET", "/v1/agents", headers=org.master),
    "agentGet": lambda org: Ask("GET", f"/v1/agents/{org.agent_id}", headers=org.agent),
    "keyCreate": lambda org: Ask("POST", "/v1/keys", {"name": "spare", "agentId": org.agent_id}, headers=org.master),
    "keyList": lambda org: Ask("GET", "/v1/keys", headers=org.master),
    "keyRotate": lambda org: Ask("POST", f"/v1/keys/{_key(org)}/rotate", {"overlapSeconds": 60}, headers=org.master),
    "keyRevoke": lambda org: Ask("DELETE", f"/v1/keys/{_key(org)}", headers=org.master),
    "webhookCreate": lambda org: Ask("POST", "/v1/webhooks", dict(HOOK), headers=org.master),
    "webhookList": lambda org: Ask("GET", "/v1/webhooks", headers=org.master),
    "webhookFeed": lambda org: Ask("GET", "/v1/webhooks/feed", query={"after": "0"}, headers=org.master),
    "webhookEventTypes": lambda org: Ask("GET", "/v1/webhooks/event-types", headers=org.master),
    "webhookDeadLetters": lambda org: Ask("GET", "/v1/webhooks/dead-letters", headers=org.master),
    "webhookGet": lambda org: Ask("GET", _hook(org), headers=org.master),
    "webhookUpdate": lambda org: Ask("PATCH", _hook(org), {"label": "Ours"}, headers=org.master),
    "webhookDelete": lambda org: Ask("DELETE", _new_hook(org), headers=org.master),
    "webhookRotate": lambda org: Ask("POST", f"{_hook(org)}/rotate", headers=org.master),
    "webhookReenable": lambda org: Ask("POST", f"{_hook(org)}/reenable", headers=org.master),
    "webhookTest": lambda org: Ask("POST", f"{_hook(org)}/test", headers=org.master),
    "webhookRecover": lambda org: Ask(
        "POST", f"{_hook(org)}/recover", {"since": "2026-01-15T00:00:00Z"}, headers=org.master
    ),
    "webhookDeliveries": lambda org: Ask("GET", f"{_hook(org)}/deliveries", headers=org.master),
    "webhookDeliveryGet": lambda org: Ask("GET", _failed(org), headers=org.master),
    "webhookReplay": lambda org: Ask("POST", f"{_failed(org)}/replay", headers=org.master),
    "optOutList": lambda org: Ask("GET", "/v1/compliance/opt-outs", headers=org.master),
    "optOutCreate": lambda org: Ask("POST", "/v1/compliance/opt-outs", {"e164": unused_number()}, headers=org.master),
    "optOutDelete": lambda org: Ask("DELETE", _entered(org, "opt-outs"), headers=org.master),
    "blockList": lambda org: Ask("GET", "/v1/compliance/blocks", headers=org.master),
    "blockCreate": lambda org: Ask("POST", "/v1/compliance/blocks", {"e164": unused_number()}, headers=org.master),
    "blockDelete": lambda org: Ask("DELETE", _entered(org, "blocks"), headers=org.master),
    "consentList": lambda org: Ask("GET", "/v1/compliance/consents", headers=org.master),
    "consentCreate": lambda org: Ask(
        "POST", "/v1/compliance/consents", {"e164": unused_number(), "source": "opt-in:web-form"}, headers=org.master
    ),
    "consentDelete": lambda org: Ask("DELETE", _entered(org, "consents"), headers=org.master),
    "callingHoursGet": lambda org: Ask("GET", "/v1/compliance/hours", headers=org.master),
    "callingHoursPut": lambda org: Ask(
        "PUT", "/v1/compliance/hours", {"start": "00:00", "end": "24:00"}, headers=org.master
    ),
    "hardCapGet": lambda org: Ask("GET", "/v1/billing/hard-cap", headers=org.master),
    "hardCapPut": lambda org: Ask(
        "PUT", "/v1/billing/hard-cap", {"enabled": False, "monthlyCapCents": 0}, headers=org.master
    ),
    "usageGet": lambda org: Ask("GET", "/v1/billing/usage", headers=org.master),
    "tierGet": lambda org: Ask("GET", "/v1/billing/tier", headers=org.master),
}


def wait_for_status(wanted: Callable[[], httpx.Response], status: int, seconds: float = 10) -> httpx.Response:
    """Repeat the request until the response has that status."""
    deadline = time.monotonic() + seconds
    while (answer := wanted()).status_code != status:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    return answer
