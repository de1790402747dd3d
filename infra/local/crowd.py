"""`make seed`: adds an organization with 20,000 contacts and 100,000 calls to the running stack.

The items are equal to those that the services write, but there are no events, so that no work starts. All numbers are
reserved for fiction and reach nobody.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from botocore.config import Config

from infra.local import aws, identity, readiness
from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.analytics import bulk
from switchboard.aws.dynamodb import Item, encode_item
from switchboard.aws.writes import Put, commit
from switchboard.calls import history, inbox, words_projection
from switchboard.calls import numbers as call_numbers
from switchboard.calls import store as calls
from switchboard.calls.models import Call, Order, State, Tier
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.compliance.data import area_codes
from switchboard.contacts import service as contacts
from switchboard.contacts import store as contact_store
from switchboard.contacts.models import Contact
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.events.models import Actor, SystemActor
from switchboard.inbox import service as inboxes
from switchboard.inbox.models import InboxThing
from switchboard.kit import clock, ids, settings
from switchboard.people import service as people
from switchboard.people import sessions
from switchboard.search import tail
from switchboard.team import members
from switchboard.team.permissions import Role

CONTACTS, STRANGERS, CALLS = 20_000, 5_000, 100_000
_ADDRESS = "ada@demo.example"
#: The limit of a transaction: the table engine waits for the disk once per transaction.
_TOGETHER = 100
_SORTED = 20_000
_THREADS = 4
_FIRST = """Ada Grace Alan Edsger Barbara Donald Frances Tony Radia Ken Jean Dennis Hedy Linus Katherine Guido Margaret

Niklaus Adele Bjarne Lynn Vint Karen Leslie Sophie Whitfield Shafi John Mary Tim Carol Robin Evelyn Dorothy Annie
Émile Søren Zoë José Renée Jürgen Łukasz Chloé Ivan Mei Hiro Amara Kofi Priya""".split()  # noqa: SIM905 a list of quoted words would be longer
_LAST = """Lovelace Hopper Turing Dijkstra Liskov Knuth Allen Hoare Perlman Thompson Bartik Ritchie Lamarr Johnson

Hamilton Wirth Goldberg Conway Cerf Jones Lamport Wilson Diffie Goldwasser Backus Keller Shaw Milner Boyd Vaughan
Easley Zola Kierkegaard Müller García Nowak Dubois Petrov Chen Tanaka Okafor Mensah Sharma Smith Brown Miller Davis
Moore Taylor""".split()  # noqa: SIM905
_ROLES = ("Patient", "Nurse", "Front desk", "Pharmacist", "Supplier", "Physician", None, None)
_NOTES = """prefers mornings afternoon allergic penicillin wheelchair interpreter Spanish voicemail insurance renewal
follow-up asked about billing parking invoice moved from Lakeside new address daughter calls son lives abroad""".split()  # noqa: SIM905


def numbers() -> list[str]:
    """All numbers that are reserved for fiction, in a random order that is always the same."""
    found = [f"+1{code}55501{last:02}" for code in sorted(area_codes.AREA_CODES) for last in range(100)]
    random.Random(1815).shuffle(found)  # noqa: S311 a made-up crowd, not a secret
    return found


def contact_items(org_id: str, how_many: int) -> Iterator[tuple[str, Item]]:
    """The items of contacts, with their index entries."""
    chance = random.Random(1852)  # noqa: S311
    for number in numbers()[:how_many]:
        contact = _contact(org_id, number, chance)
        writes = [
            *contact_store.contact_writes(None, contact, _never),
            *tail.new_tail_writes(contact_store.NOUN, org_id, contact.id, contact.tail_tokens()),
        ]
        yield from ((write.table, write.item) for write in writes if isinstance(write, Put))


def _contact(org_id: str, number: str, chance: random.Random) -> Contact:
    named = chance.random() < 0.9
    changes = {
        "display_name": f"{chance.choice(_FIRST)} {chance.choice(_LAST)}" if named else None,
        "role": chance.choice(_ROLES),
        "email": f"{number[1:]}@example.com" if chance.random() < 0.3 else None,
        "notes": " ".join(chance.sample(_NOTES, chance.randint(3, 9))) if chance.random() < 0.3 else None,
    }
    return contacts.next_revision(contacts.new_contact(org_id, number), changes)


#: The number that all calls go out from.
_OURS = "+14155550100"


def call_items(org_id: str, how_many: int, holders: int, flow_id: str | None = None) -> Iterator[tuple[str, Item]]:
    """The items of calls in the last two years with a number of `holders`, and of the lists and histories of calls."""
    chance = random.Random(1842)  # noqa: S311
    known, now = numbers()[:holders], clock.now()
    pasts: dict[str, history.CallHistory] = {}
    things: list[InboxThing] = []
    made: list[Call] = []
    for place in range(how_many):
        moment = now - timedelta(minutes=(how_many - place) * 10, seconds=chance.randint(0, 300))
        call = _call(org_id, chance.choice(known), clock.format_iso(moment), chance)
        call = call.model_copy(update={"flow_id": flow_id})
        past = pasts.setdefault(call.to_number, history.CallHistory(e164=call.to_number))
        past.calls, past.last_call_at = past.calls + 1, call.created_at
        if name := history.find_name(call.order.variables):
            past.name, past.named_at = name, call.created_at
        yield "activity", calls.CALLS.create_write(call).item
        things.append(inbox.inbox_thing(call))
        made.append(call)
        yield from (("core", item) for item in call_numbers.entry_items(call))
        yield from (("core", item) for item in words_projection.summary_items(call))
    yield from (("core", item) for item in inboxes.bulk_items(org_id, inbox.INBOX, things))
    yield from (("core", item) for item in bulk.bulk_items(org_id, made))
    for e164 in {*pasts, _OURS}:
        yield from (("core", item) for item in call_numbers.number_items(org_id, e164))
    for past in pasts.values():
        yield (
            "core",
            {
                **history.history_ref(org_id, history.number_id(org_id, past.e164)).key,
                **past.model_dump(exclude_none=True),
            },
        )


def _call(org_id: str, number: str, at: str, chance: random.Random) -> Call:
    reason = chance.choice([EndReason.COMPLETED] * 3 + [EndReason.NO_ANSWER, EndReason.BUSY])
    seconds = chance.randint(20, 600) if reason is EndReason.COMPLETED else None
    variables = {"customer_name": f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"} if chance.random() < 0.5 else {}
    return Call(
        id=ids.new_id("call"),
        org_id=org_id,
        agent_id=None,
        source="opticomm",
        state=State(reason.value),
        version=5,
        tier=Tier.BASIC,
        from_number=_OURS,
        to_number=number,
        voice_id="basic:iris",
        greeting="Hello.",
        order=Order(to=number, tier=Tier.BASIC, variables=variables),
        correlation_id=ids.new_id("corr"),
        provider="simulator",
        end_reason=reason,
        created_at=at,
        updated_at=at,
        answered_at=at if seconds else None,
        ended_at=at,
        duration_seconds=seconds,
    )


def _never(_: list[Item | None]) -> Exception:
    return AssertionError("nothing is conditional here")


def write_items(items: Iterable[tuple[str, Item]]) -> int:
    """Write items in large batches. Returns how many."""
    remaining, written = iter(items), 0
    # The items are valid by construction, and validation would take longer than the writes.
    client = aws.engine_client(os.environ, "dynamodb", Config(parameter_validation=False))
    with ThreadPoolExecutor(_THREADS) as pool:
        # Neighboring keys are written together: this saves the table engine half of its work.
        while some := sorted(islice(remaining, _SORTED), key=_place):
            batches = (some[start : start + _TOGETHER] for start in range(0, len(some), _TOGETHER))
            for count in pool.map(partial(_write, client), batches):
                written += count
                _tell(written)
    return written


def _place(entry: tuple[str, Item]) -> tuple[str, str, str]:
    table, item = entry
    return table, item["pk"], item["sk"]


def _write(client: Any, batch: list[tuple[str, Item]]) -> int:
    puts: list[Any] = [
        {"Put": {"TableName": settings.table_name(table), "Item": encode_item(item)}} for table, item in batch
    ]
    client.transact_write_items(TransactItems=puts)
    return len(batch)


def _tell(written: int) -> None:
    if sys.stdout.isatty():
        print(f"\r{written:,} items", end="", flush=True)


def main() -> None:
    """Create an organization in the running stack, and fill it. The demo's admin is its admin."""
    home = Path(os.environ.get("SWITCHBOARD_HOME", ".local"))
    if not readiness.is_ready(home):
        sys.exit("No stack runs: start it with `make run` in another terminal.")
    os.environ.update(json.loads((home / "environ.json").read_text()))
    started = time.monotonic()
    user = people.upsert_user(
        settings.text("OIDC_ISSUER"), identity.subject(_ADDRESS), _ADDRESS, email_verified=True, name="Ada"
    )
    org = organizations.new_organization("Crowd", "crowd", PlanName.SCALE)
    origin = SystemActor(
        org_id=org.id, actor=Actor(type="system", id="seed"), agent_id=None, correlation_id=ids.new_id("corr")
    )
    commit(organizations.organization_writes(origin, org), members.membership_writes(origin, user, Role.ADMIN))
    written = write_items(contact_items(org.id, CONTACTS)) + write_items(
        call_items(org.id, CALLS, CONTACTS + STRANGERS)
    )
    cookie = sessions.open_session(user, org.id)
    url = settings.text("PUBLIC_URL")
    print(
        f"\r{org.id}: {CONTACTS:,} contacts, {CALLS:,} calls, {written:,} items in {time.monotonic() - started:.0f} s."
        f"\n\n  curl -s '{url}/api/contacts?q=lovelace%20ada' -H 'Cookie: {COOKIE}={cookie}'"
        f"\n  curl -s -X POST {url}/api/contacts/backfill -H 'Cookie: {COOKIE}={cookie}'"
    )


if __name__ == "__main__":
    main()
