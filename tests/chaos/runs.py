"""A run: clients work, processes are killed by a schedule, and afterwards everything that was promised is looked up."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from typing import Any, NamedTuple
from urllib.parse import quote

from switchboard.audit import chain
from tests.chaos.clients import Client, Crowd, Promises
from tests.chaos.kills import Kill, kill_part
from tests.integration.receiver import Receiver, running_receiver
from tests.running import Running

_LOOK_EVERY_SECONDS = 0.5
#: Longer than any queue's visibility timeout: a message that a kill took from its worker waits for that.
_LONGEST_SECONDS = 300
#: The outcome of a mail, text or call counts as unknown if nothing has changed for this time.
_QUIET_SECONDS = 10
#: A kill between the claim and the send of a mail or text, or the dialing of a call, leaves its outcome unknown. It is
#: not repeated: a job asks for the outcome ten minutes later. Two workers send mails, two send texts, and two dial.
_UNSURE_PER_KILL = 6
_ASKING_JOBS = frozenset({"ConfirmMail", "ConfirmText", "ConfirmDial"})
#: The states of a call that a worker may have claimed. The outcome of a call in a later state is known.
_CLAIMED_STATES = {"call": "INITIATING", "order": "pending"}


_LAST_STATES = {
    "mail": {"DELIVERED"},
    "call": {"ENDED"},
    "order": {"completed", "failed"},
    "contact": {"Grace Hopper"},
    "text": {"delivered"},
}


class Outcome(NamedTuple):
    """The result of a run. `unsure` counts mails, texts and calls that a kill hit between claim and send."""

    made: dict[str, int]
    statuses: dict[str, int]
    unsure: int
    deliveries: int
    settle_seconds: float
    faults: list[str]


class FastStack(Running):
    """A stack whose simulated calls take seconds."""

    def environ(self, **changes: str) -> dict[str, str]:
        return super().environ(
            SWITCHBOARD_VOICE_STEP_SECONDS="0",
            SWITCHBOARD_PERSON_PER_MINUTE="100000",
            SWITCHBOARD_PERSON_PER_SECOND="500",
            **changes,
        )


@contextmanager
def running_stack(home: Path) -> Iterator[Running]:
    """A stack of its own, which a run may kill."""
    stack = FastStack(home)
    stack.start()
    try:
        yield stack
    finally:
        stack.end(SIGTERM)


def run_chaos(home: Path, kills: list[Kill], tell: Callable[[str], None]) -> Outcome:
    """Runs clients and kills on a stack of its own."""
    with running_receiver() as receiver, running_stack(home) as stack:
        promises = Promises()
        client = Client(stack, promises)
        client.buy_number()
        client.register_webhook(receiver.url)
        crowd = Crowd(client)
        crowd.start()
        for number, kill in enumerate(kills, 1):
            time.sleep(kill.pause)
            was_there = kill_part(stack, kill)
            tell(f"kill {number}: {kill.part}{'' if was_there else ' (it was starting)'}")
        time.sleep(1)
        crowd.stop()
        return _settle(client, receiver, len(kills))


def _settle(client: Client, receiver: Receiver, kills: int) -> Outcome:
    """Waits until everything has ended, and returns what is missing after that."""
    began = time.monotonic()
    promises = client.promises
    unfinished = _wait_until_empty(lambda: _find_unfinished(client), client.stack.home)
    unsure = _find_unsure(unfinished, client.stack.home)
    if len(unsure) > _UNSURE_PER_KILL * kills:
        promises.faults.append(f"more outcomes are unknown than {kills} kills can explain: {sorted(unsure)}")
    undelivered = _wait_until_empty(lambda: _find_undelivered(client, receiver, unsure), client.stack.home)
    promises.faults += [f"not finished: {one}" for one in sorted((unfinished - unsure) | undelivered)]
    promises.faults += _verify_chain(client)
    made = {kind: len(ids) for kind, ids in promises.kept.items()}
    seconds = round(time.monotonic() - began, 1)
    return Outcome(made, dict(promises.statuses), len(unsure), len(receiver.got), seconds, promises.faults)


def _wait_until_empty(look: Callable[[], set[str]], home: Path) -> set[str]:
    """Waits until nothing is missing, and returns what is still missing after a while.

    It waits no longer when a job asks for the outcome of everything that is missing, and nothing changes.
    """
    began = changed = time.monotonic()
    before: set[str] = set()
    while (missing := look()) and time.monotonic() - began < _LONGEST_SECONDS:
        if missing != before:
            before, changed = missing, time.monotonic()
        elif time.monotonic() - changed > _QUIET_SECONDS and missing == _find_unsure(missing, home):
            break
        time.sleep(_LOOK_EVERY_SECONDS)
    return missing


def _find_unsure(missing: set[str], home: Path) -> set[str]:
    """Returns the missing objects whose outcome a waiting job asks for."""
    asked_for = _asked_for(home)
    parts = {one: one.split() for one in missing}
    return {
        one
        for one, (kind, object_id, state) in parts.items()
        if object_id in asked_for and state == _CLAIMED_STATES.get(kind, state)
    }


def _ids_of(missing: set[str]) -> set[str]:
    return {one.split()[1] for one in missing}


def _find_unfinished(client: Client) -> set[str]:
    """Returns the promised objects that are not in their last state, each as its kind, id and state."""
    conversation = f"/api/sms/conversations/{client.conversation_id}/messages"
    states: dict[str, Callable[[str], Any]] = {
        "mail": lambda one: client.send("GET", f"/v1/email/messages/{one}", client.agent)["status"],
        "call": lambda one: client.send("GET", f"/v1/voice/calls/{one}", client.agent)["state"],
        "order": lambda one: _ask_status(client, one),
        "contact": _read_all(client, "/api/contacts", "contacts", "display_name").get,
        "text": _read_all(client, conversation, "messages", "status").get,
    }
    return {
        f"{kind} {one} {state}"
        for kind, made in client.promises.kept.items()
        for one in made
        if (state := states[kind](one)) not in _LAST_STATES[kind]
    }


def _ask_status(client: Client, call_id: str) -> str:
    question = {"action": "check_status", "call_id": call_id}
    return str(client.send("POST", "/functions/v1/external-api", client.opticomm, question)["status"])


def _read_all(client: Client, path: str, items: str, field: str) -> dict[str, str]:
    """Returns a field of all items of a list of the console, by their ids."""
    found: dict[str, str] = {}
    cursor: str | None = ""
    while cursor is not None:
        page = client.send("GET", f"{path}?limit=100{cursor and '&cursor='}{quote(cursor)}", client.console)
        found |= {item["id"]: item[field] for item in page[items]}
        cursor = page["next_cursor"]
    return found


def _find_undelivered(client: Client, receiver: Receiver, unsure: set[str]) -> set[str]:
    """Returns the mails and calls whose webhook did not arrive, each as its kind and id."""
    bodies = [one["body"] for one in receiver.got]
    told = {str(body.get(name)) for body in bodies for name in ("callId", "messageId")}
    silent = _ids_of(unsure)
    return {
        f"{kind} {one} webhook"
        for kind in ("mail", "call")
        for one in client.promises.kept[kind]
        if one not in told | silent
    }


def _verify_chain(client: Client) -> list[str]:
    """Verifies the chain of the organization from its first to its last link."""

    def links() -> Iterator[dict[str, Any]]:
        after: int | None = 0
        while after is not None:
            part = client.send("GET", f"/v1/audit/export?after={after}&limit=1000", client.master)
            yield from part["documents"]
            after = part["next_after"]

    fault = chain.verify_export(links()).fault
    return [f"chain: {fault}"] if fault else []


def _asked_for(home: Path) -> set[str]:
    """Returns the mails, texts and calls whose outcome a waiting job asks for."""
    with sqlite3.connect(f"file:{home / 'data' / 'state' / 'queues.db'}?mode=ro", uri=True) as journal:
        bodies = [json.loads(json.loads(text)["body"]) for (text,) in journal.execute("SELECT body FROM messages")]
    return {body.get("message_id") or body["call_id"] for body in bodies if body.get("job") in _ASKING_JOBS}
