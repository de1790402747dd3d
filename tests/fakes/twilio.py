"""Twilio's API on this machine: a server, and its calls."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from twilio.request_validator import RequestValidator

from functions.callbacks.twilio import handler
from switchboard.aws import clients, secret
from switchboard.carriers.twilio_subaccounts import save_subaccount
from switchboard.carriers.voice.simulator import twiml_reader
from switchboard.kit import clock
from tests.unit.edge.asking import Answer, send_request

#: The main account, its token, and the subaccount of the organization in tests.
MAIN, TOKEN, SUBACCOUNT = "AC" + "0" * 32, "token", "AC" + "7" * 32
_FORM = "application/x-www-form-urlencoded"
#: Answers a request (method, path, parameters) with a status and JSON. Status 0 closes the connection.
AnswerRequest = Callable[[str, str, dict[str, str]], tuple[int, Any]]


def twilio_error(code: int | None, message: str = "no", status: int = 400) -> dict[str, Any]:
    return {"code": code, "message": message, "more_info": "", "status": status}


@contextmanager
def serve_twilio(answer: AnswerRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serves Twilio's API, and gives the deployment an account there. Repeated parameters are joined by spaces."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            target = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            given: dict[str, str] = {}
            for name, value in parse_qsl(target.query) + parse_qsl(body, keep_blank_values=True):
                given[name] = f"{given[name]} {value}" if name in given else value
            status, found = answer(self.command, target.path, given)
            if status == 0:
                self.close_connection = True
                self.connection.close()
                return
            text = b"" if found is None else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            with suppress(BrokenPipeError):
                self.wfile.write(text)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 the names that the server calls

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    clients.get_client("secretsmanager").create_secret(Name="twilio", SecretString=TOKEN)
    for name, value in (
        ("TWILIO_ACCOUNT_SID", MAIN),
        ("TWILIO_SECRET", "twilio"),
        ("TWILIO_API_URL", f"http://127.0.0.1:{server.server_port}"),
    ):
        monkeypatch.setenv(f"SWITCHBOARD_{name}", value)
    secret.clear_cache()
    yield
    server.shutdown()
    server.server_close()
    secret.clear_cache()


@dataclass
class FakeCalls:
    """Twilio's calls. `faults` answer the next matching requests: a fault sees the request after it was done."""

    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    #: The requests of each call that Twilio shows as its events.
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    recordings: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    #: Answers instead of Twilio. Without an effect, unless `after` is set.
    fault: Callable[[str], tuple[int, Any] | None] = lambda _: None
    #: Whether a fault comes after the effect: Twilio has the call, and its answer is lost.
    after: bool = False

    def answer(self, method: str, path: str, given: dict[str, str]) -> tuple[int, Any]:
        self.requests.append((method, path, given))
        broken = self.fault(f"{method} {path}")
        if broken is not None and not self.after:
            return broken
        done = self._answer(method, path.removeprefix("/2010-04-01/").removesuffix(".json").split("/"), given)
        return broken or done

    def _answer(self, method: str, parts: list[str], given: dict[str, str]) -> tuple[int, Any]:
        match (method, parts):
            case ("GET", ["Accounts", account]):
                return 200, {"sid": account, "auth_token": f"token of {account}"}
            case ("POST", ["Accounts", account, "Calls"]):
                return 201, self.add_call(account, given)
            case ("GET", ["Accounts", account, "Calls"]):
                found = [one for one in self.calls.values() if _matches(one, account, given)]
                return 200, {"calls": found[::-1], "page": 0}  # the newest first
            case ("GET", ["Accounts", _, "Calls", sid, "Events"]):
                return 200, {"events": [{"request": one} for one in self.events.get(sid, [])], "page": 0}
            case (_, ["Accounts", account, "Calls", sid, *rest]):
                found = self.calls.get(sid)
                if found is None or found["account_sid"] != account:
                    return 404, twilio_error(20404, status=404)
                return self._record(method, sid, rest, given) if rest else self._change(method, found, given)
        return 404, twilio_error(20404, status=404)

    def add_call(self, account: str, given: dict[str, str]) -> dict[str, Any]:
        sid = f"CA{len(self.calls) + 1:032x}"
        self.calls[sid] = {
            "sid": sid, "account_sid": account, "to": given["To"], "from": given["From"], "status": "queued",
            "direction": "outbound-api", "date_created": format_datetime(clock.now()), "duration": None,
            "end_time": None, "answered_by": None, "parent_call_sid": given.get("ParentCallSid"), "given": given,
        }  # fmt: skip
        return self.calls[sid]

    def _change(self, method: str, found: dict[str, Any], given: dict[str, str]) -> tuple[int, Any]:
        if method == "POST":
            over = found["status"] not in ("queued", "ringing", "in-progress")
            if over or ("Url" in given and found["status"] != "in-progress"):
                return 400, twilio_error(21220)
            if given.get("Status") == "completed" or (given.get("Status") and found["status"] != "in-progress"):
                found["status"] = given["Status"]
            found["url"] = given.get("Url")
        return 200, found

    def _record(self, method: str, sid: str, rest: list[str], given: dict[str, str]) -> tuple[int, Any]:
        mine = self.recordings.setdefault(sid, [])
        if method == "GET":
            return 200, {"recordings": mine, "page": 0}
        if rest[1:]:
            mine[-1]["status"] = given["Status"]
            return 200, mine[-1]
        mine.append({"sid": f"RE{len(mine):032x}", "status": "in-progress", "given": given})
        return 201, mine[-1]

    @property
    def placed(self) -> list[dict[str, str]]:
        """The parameters of each request for a new call."""
        return [given for method, path, given in self.requests if method == "POST" and path.endswith("/Calls.json")]


def _matches(one: dict[str, Any], account: str, given: dict[str, str]) -> bool:
    wanted = {"to": "To", "from": "From", "parent_call_sid": "ParentCallSid"}
    return one["account_sid"] == account and all(given.get(name) in (None, one[key]) for key, name in wanted.items())


@dataclass
class CalledPhone:
    """Twilio's side of a call that it placed: it posts signed forms to the URLs that came with the request."""

    call: dict[str, Any]

    def send(self, url: str, *, token: str | None = None, **form: str) -> Answer:
        """Posts a form to the real function."""
        # Twilio neither sends nor signs the fragment, which has its settings of retries.
        url = url.partition("#")[0]
        usual = {
            "AccountSid": self.call["account_sid"],
            "CallSid": self.call["sid"],
            "CallStatus": "in-progress",
            "Direction": "outbound-api",
            "From": self.call["from"],
            "To": self.call["to"],
        }
        signer = token or (TOKEN if self.call["account_sid"] == MAIN else f"token of {self.call['account_sid']}")
        signature = RequestValidator(signer).compute_signature(url, usual | form)
        return send_request(
            handler.api,
            "POST",
            urlsplit(url).path,
            urlencode(usual | form).encode(),
            headers={"content-type": _FORM, "x-twilio-signature": signature},
            binary=False,
        )

    def ask(self, url: str | None = None, **form: str) -> list[dict[str, Any]]:
        """Returns the verbs of a script: of the first one, or of the one at a URL."""
        answer = self.send(url or self.call["given"]["Url"], **form)
        assert (answer.status, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8"), answer
        return twiml_reader.read_verbs(answer.body)

    def tell(self, name: str = "StatusCallback", **form: str) -> None:
        """Posts a report to a URL of the request."""
        answer = self.send(self.call["given"][name], **form)
        assert (answer.status, answer.body) == (200, ""), answer


def give_subaccount(org_id: str) -> None:
    assert save_subaccount(org_id, SUBACCOUNT) == SUBACCOUNT
