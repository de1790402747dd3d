"""Checks a running deployment as its callers see it: `python -m infra.smoke` (`make smoke`), the README's tour.

It needs SWITCHBOARD_URL and the keys of one organization, by their names in `.local/demo.env`. A step whose key is
missing is left out. All addresses belong to simulators: the mail goes to the mailbox simulator of SES, and the call to
a number that reaches nobody. The exit code is 0 if all steps passed, and 1 otherwise.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

#: AWS accepts mail for this address and delivers it to nobody, without effect on the sender's reputation.
NOBODY = "success@simulator.amazonses.com"
#: A test number that answers.
ANSWERS = "+14155550142"
_APIS = ("anima", "opticomm", "athos", "hum")


class FailedStepError(Exception):
    """The deployment did something else than a step expects."""


class MissingKeyError(Exception):
    """The step needs a key that was not given."""


@dataclass
class Visit:
    """One run: the client, the keys, and how long a step waits for work behind the API."""

    client: httpx.Client
    keys: Mapping[str, str]
    patience_seconds: float = 60
    #: A new name in each run, so that a run can be repeated.
    name: str = field(default_factory=lambda: f"smoke-{secrets.token_hex(8)}")

    def key(self, name: str) -> str:
        """Returns a key. Raises MissingKeyError."""
        if not self.keys.get(name):
            raise MissingKeyError(name)
        return self.keys[name]

    def ask(self, method: str, path: str, *, status: int = 200, **request: Any) -> httpx.Response:
        """Returns the response to a request. Raises FailedStepError if its status is another one."""
        response = self.client.request(method, path, **request)
        if response.status_code != status:
            raise FailedStepError(
                f"{method} {path} answered {response.status_code}, not {status}: {response.text[:300]}"
            )
        return response

    def wait_for(self, look: Callable[[], str], wanted: tuple[str, ...]) -> str:
        """Returns what `look` finds as soon as it is wanted. Raises FailedStepError after a while."""
        until = time.monotonic() + self.patience_seconds
        while (found := look()) not in wanted:
            if time.monotonic() > until:
                raise FailedStepError(f"it is still {found!r}, and not {' or '.join(wanted)}")
            time.sleep(0.5)
        return found


def check_health(visit: Visit) -> None:
    """The deployment reaches its tables."""
    visit.ask("GET", "/api/health")


def check_pages(visit: Visit) -> None:
    """The documentation answers, with a document for each API."""
    visit.ask("GET", "/docs")
    for api in _APIS:
        document = visit.ask("GET", f"/openapi/{api}.json").json()
        require(document.get("paths"), f"the document of {api} has no paths")


def check_refusals(visit: Visit) -> None:
    """Requests without a key, and unknown paths, are refused in each API's own form."""
    visit.ask("GET", "/v1/email/messages", status=401)
    visit.ask("GET", "/api/me", status=401)
    visit.ask("GET", "/v1/nothing", status=404)
    refused = visit.ask("POST", "/functions/v1/external-api", status=401, json={"action": "check_status"})
    require(refused.json().get("error"), "OptiComm's refusal has no code")


def check_mail(visit: Visit) -> None:
    """An agent sends a mail once, although it asks twice, and reads its workflow in the audit chain."""
    headers = {"Authorization": f"Bearer {visit.key('ANIMA_AGENT_KEY')}"}
    mail = {"to": NOBODY, "subject": "Smoke test", "body": "Nobody reads this mail."}
    once = headers | {"Idempotency-Key": visit.name, "X-Correlation-Id": visit.name}
    sent, again = (visit.ask("POST", "/v1/email/send", headers=once, json=mail) for _ in range(2))
    require(sent.content == again.content, "the repeated request has another answer")
    message = f"/v1/email/messages/{sent.json()['id']}"
    visit.wait_for(lambda: str(visit.ask("GET", message, headers=headers).json()["status"]), ("SENT", "DELIVERED"))
    found = visit.ask("GET", "/v1/audit/events", headers=headers, params={"correlation_id": visit.name}).json()
    numbers = [event["seq"] for event in found["events"]]
    require(numbers, "the audit chain has no event of the mail")
    require(numbers == sorted(set(numbers)), "the events of the audit chain are not in their order")


def check_call(visit: Visit) -> None:
    """A back end calls a number that reaches nobody, once although it asks twice, and sees the end of the call."""
    headers = {"X-API-Key": visit.key("OPTICOMM_TEST_KEY")}
    call = {"action": "initiate_call", "agent_id": visit.key("OPTICOMM_AGENT_ID"), "phone_number": ANSWERS}
    path, asked = "/functions/v1/external-api", {"action": "check_status", "request_id": visit.name}
    placed, again = (
        visit.ask("POST", path, headers=headers, json=call | {"request_id": visit.name}).json() for _ in range(2)
    )
    require(placed["call_id"] == again["call_id"], "the repeated request placed a second call")
    visit.wait_for(lambda: str(visit.ask("POST", path, headers=headers, json=asked).json()["status"]), ("completed",))


def check_console(visit: Visit) -> None:
    """A signed-in person sees their organization and its calls."""
    cookie = {"Cookie": f"bh_hum_session={visit.key('HUM_SESSION')}"}
    require(visit.ask("GET", "/api/me", headers=cookie).json().get("org"), "the person has no organization")
    visit.ask("GET", "/api/calls", headers=cookie)


STEPS: tuple[Callable[[Visit], None], ...] = (
    *(check_health, check_pages, check_refusals, check_mail, check_call, check_console),
)


def require(condition: object, fault: str) -> None:
    """Raise FailedStepError with the fault, unless the condition holds."""
    if not condition:
        raise FailedStepError(fault)


def walk(visit: Visit) -> Iterator[tuple[str, str]]:
    """Yields the result of each step, `ok`, `left out` or `FAILED`, and a sentence about it."""
    for step in STEPS:
        began = time.monotonic()
        about = (step.__doc__ or "").strip()
        try:
            step(visit)
        except MissingKeyError as error:
            yield "left out", f"{about} (no {error})"
        except (FailedStepError, httpx.HTTPError, KeyError, ValueError) as error:
            yield "FAILED", f"{about} {type(error).__name__}: {error}"
        else:
            yield "ok", f"{about} {1_000 * (time.monotonic() - began):.0f} ms"


def main() -> int:
    """Print the result of each step. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.smoke", description=__doc__)
    parser.add_argument("--url", default=os.environ.get("SWITCHBOARD_URL"), help="instead of SWITCHBOARD_URL")
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for a mail and a call")
    given = parser.parse_args()
    if not given.url:
        sys.exit("Give the address of the deployment: set SWITCHBOARD_URL, or use --url.")
    failed = False
    with httpx.Client(base_url=given.url, timeout=30) as client:
        for result, about in walk(Visit(client, os.environ, given.patience)):
            print(f"{result:8} {about}", flush=True)
            failed |= result == "FAILED"
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
