"""The gate's ledgers, counters and caches in the `core` table.

| item | pk | sk |
|---|---|---|
| number on the do-not-call list | `<org>#dnc` | `<e164>` |
| pointer to that number by its id | `<org>#dnc-ids` | `<id>` |
| opt-out | `<org>#opt-outs` | `<e164>` |
| consent | `<org>#consent` | `<e164>` |
| place of a number's holder | `<org>#whereabouts` | `<e164>` |
| the latest calls to a number on one subject | `<org>#attempts#<e164>` | `<digest of subject>` |
| verdict | `<org>#verdict#<subject id>` | `<evaluated at>` |
| answer of the Reassigned Numbers Database | `rnd#<e164>` | `<date asked about>` |
| amendments of a place | `law#<place>` | `rows` |
| place that has amendments, or had some | `law` | `<place>` |
| log of changes to amendments | `law#<place>` | `log#<at>#<what>#<id of row>` |

Answers of the database belong to no organization. Each date has its own item: callers choose the dates, so they could
otherwise make an item large that other callers need. Amendments, too, belong to no organization; every contact reads
them. Attempts, verdicts and answers have `expires`, in seconds since 1970, when the table deletes them
(docs/retention.md).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, TypeVar

from pydantic import BaseModel

from switchboard.aws import clock, secret, table
from switchboard.aws.table import Check, Delete, Item, Key, Put, Query, Update
from switchboard.compliance.amendments import Amendment
from switchboard.compliance.data.law import Cap
from switchboard.compliance.models import ConsentRecord, Reassignment, Verdict, Whereabouts
from switchboard.compliance.ports import Answer
from switchboard.kit.change import Moved
from switchboard.kit.listing import page_of
from switchboard.kit.retention import FIVE_YEARS

T = TypeVar("T")
Ledger = Literal["dnc", "opt-outs", "consent"]
Refusal = Callable[[list[Item | None]], Exception]

#: The calls in an attempts item, with the latest in the first slot. The highest cap of any state is three calls.
SLOTS = ("first", "second", "third")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """The stored facts about a number, read in one request."""

    blocked: bool = False
    opted_out: bool = False
    consent: ConsentRecord | None = None
    whereabouts: Whereabouts | None = None
    answers: dict[str, Reassignment] = field(default_factory=dict)
    attempts: tuple[str, ...] = ()
    #: Amendments by place.
    amendments: dict[str, list[Amendment]] = field(default_factory=dict)


def ledger_key(org_id: str, ledger: Ledger, e164: str) -> Key:
    return {"pk": f"{org_id}#{ledger}", "sk": e164}


def _attempts_key(org_id: str, e164: str, subject: str) -> Key:
    return {"pk": f"{org_id}#attempts#{e164}", "sk": secret.digest(subject)}


def _answer_key(e164: str, since: date) -> Key:
    return {"pk": f"rnd#{e164}", "sk": since.isoformat()}


def _whereabouts_key(org_id: str, e164: str) -> Key:
    return {"pk": f"{org_id}#whereabouts", "sk": e164}


def _law_key(place: str) -> Key:
    return {"pk": f"law#{place}", "sk": "rows"}


def facts(org_id: str, e164: str, subject: str, days: Sequence[date], places: Sequence[str] = ()) -> Facts:
    """Reads all facts about a number that the gate needs, in one consistent request.

    The facts include the database's answers for `days`, and the amendments of `places`.
    """
    blocked, opted_out, consent, attempts, where, *found = table.get_many(
        "core",
        [
            ledger_key(org_id, "dnc", e164),
            ledger_key(org_id, "opt-outs", e164),
            ledger_key(org_id, "consent", e164),
            _attempts_key(org_id, e164, subject),
            _whereabouts_key(org_id, e164),
            *(_law_key(place) for place in places),
            *(_answer_key(e164, day) for day in days),
        ],
    )
    laws, answers = found[: len(places)], found[len(places) :]
    return Facts(
        blocked=blocked is not None,
        opted_out=opted_out is not None,
        consent=ConsentRecord.model_validate(consent) if consent else None,
        whereabouts=Whereabouts.model_validate(where) if where else None,
        answers={item["sk"]: Reassignment.model_validate(item) for item in answers if item},
        attempts=tuple(text for slot in SLOTS if (text := (attempts or {}).get(slot))),
        amendments={place: _amendments(item) for place, item in zip(places, laws, strict=True) if item},
    )


def amendments_of(places: Sequence[str]) -> dict[str, list[Amendment]]:
    """Returns the amendments of several places."""
    items = table.get_many("core", [_law_key(place) for place in places])
    return {place: _amendments(item) for place, item in zip(places, items, strict=True) if item}


def _amendments(item: Item | None) -> list[Amendment]:
    return [Amendment.model_validate(row) for row in item["rows"]] if item else []


def amendments(place: str) -> tuple[int, list[Amendment]]:
    """Returns the version of a place's item, 0 without an item, and its amendments."""
    item = table.get("core", _law_key(place))
    return (item["version"] if item else 0), _amendments(item)


def put_amendments(place: str, version: int, rows: Sequence[Amendment]) -> list[Put]:
    """Returns the writes that store a place's amendments if they still have that version. Raises Moved at commit."""
    item = {**_law_key(place), "version": version + 1, "rows": [row.model_dump(mode="json") for row in rows]}
    return [
        Put(
            table="core",
            item=item,
            condition="version = :version" if version else "attribute_not_exists(pk)",
            values={":version": version} if version else {},
            otherwise=Moved,
        ),
        Put(table="core", item={"pk": "law", "sk": place}),
    ]


def note_amendment(row: Amendment, what: Literal["added", "removed"], who: str, at: str) -> Put:
    """Returns the write that logs an added or removed amendment. Logs stay, because verdicts name amendments."""
    place = {"pk": f"law#{row.place}", "sk": f"log#{at}#{what}#{row.id}"}
    return Put(table="core", item={**place, "what": what, "who": who, "at": at, "row": row.model_dump(mode="json")})


def amended_places() -> list[str]:
    """Returns the places that have amendments, or had some."""
    return [item["sk"] for item in Query(table="core", partition="law").all()]


def answer(e164: str, since: date) -> Reassignment | None:
    """Returns the database's cached answer for a number and a date."""
    item = table.get("core", _answer_key(e164, since))
    return Reassignment.model_validate(item) if item else None


def remember_answer(e164: str, since: date, answer: Answer, now: datetime) -> Put:
    """Returns the write that caches the database's answer for a number and a date, for as long as it is valid."""
    expires = int((now + Reassignment.LIFETIME + _DAY).timestamp())
    item = {**_answer_key(e164, since), "answer": answer, "at": clock.iso(now), "expires": expires}
    return Put(table="core", item=item)


def absent(org_id: str, ledger: Ledger, e164: str, otherwise: Refusal) -> Check:
    """Returns the check that a number is not in a ledger. The transaction fails if it is."""
    return Check(
        table="core",
        key=ledger_key(org_id, ledger, e164),
        condition="attribute_not_exists(pk)",
        otherwise=otherwise,
    )


def count_attempt(
    org_id: str, e164: str, subject: str, caps: Sequence[Cap], now: datetime, otherwise: Refusal
) -> Update:
    """Returns the write that counts a call. It fails at a cap's limit, and is exact also for concurrent calls."""
    free = [
        f"(attribute_not_exists(#{SLOTS[cap.calls - 1]}) OR #{SLOTS[cap.calls - 1]} <= :before{number})"
        for number, cap in enumerate(caps)
    ]
    return Update(
        table="core",
        key=_attempts_key(org_id, e164, subject),
        expression=(
            "SET #third = if_not_exists(#second, :never), #second = if_not_exists(#first, :never), #first = :now,"
            " expires = :expires"
        ),
        names={f"#{slot}": slot for slot in SLOTS},
        values={
            ":now": clock.iso(now),
            ":never": "",
            **{f":before{number}": clock.iso(now - timedelta(hours=cap.hours)) for number, cap in enumerate(caps)},
            # Caps are 24 hours at most, so no attempt counts after a day.
            ":expires": int((now + 2 * _DAY).timestamp()),
        },
        condition=" AND ".join(free),
        otherwise=otherwise,
    )


def first_consent(record: ConsentRecord, org_id: str) -> Update:
    """Returns the write that stores a consent from a request, unless the ledger already has one."""
    fields = record.model_dump(mode="json")
    return Update(
        table="core",
        key=ledger_key(org_id, "consent", record.e164),
        expression="SET " + ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in fields),
        names={f"#{name}": name for name in fields},
        values={f":{name}": value for name, value in fields.items()},
    )


def enter(org_id: str, ledger: Ledger, e164: str, entry: BaseModel, otherwise: Refusal) -> Put:
    """Returns the write that adds a number to a ledger. It fails if the number is already there."""
    return Put(
        table="core",
        item={**ledger_key(org_id, ledger, e164), **entry.model_dump(mode="json")},
        unless_exists=True,
        otherwise=otherwise,
    )


def enter_consent(org_id: str, record: ConsentRecord, otherwise: Refusal) -> Put:
    """Returns the write that replaces a consent. It fails if nothing would change."""
    return Put(
        table="core",
        item={**ledger_key(org_id, "consent", record.e164), **record.model_dump(mode="json")},
        condition="attribute_not_exists(pk) OR #source <> :source OR #date <> :date",
        names={"#source": "source", "#date": "date"},
        values={":source": record.source.value, ":date": record.date},
        otherwise=otherwise,
    )


def keep_whereabouts(org_id: str, e164: str, where: Whereabouts) -> Put:
    """Returns the write that replaces the place of a number's holder."""
    return Put(
        table="core", item={**_whereabouts_key(org_id, e164), **where.model_dump(mode="json", exclude_none=True)}
    )


def forget_whereabouts(org_id: str, e164: str) -> Delete:
    return Delete(table="core", key=_whereabouts_key(org_id, e164))


def strike(org_id: str, ledger: Ledger, e164: str, otherwise: Refusal) -> Delete:
    """Returns the write that removes a number from a ledger. It fails if the number is not there."""
    return Delete(
        table="core",
        key=ledger_key(org_id, ledger, e164),
        condition="attribute_exists(pk)",
        otherwise=otherwise,
    )


def _id_key(org_id: str, block_id: str) -> Key:
    return {"pk": f"{org_id}#dnc-ids", "sk": block_id}


def point_at(org_id: str, block_id: str, e164: str) -> Put:
    """Returns the write of a pointer from a block's id to its number."""
    return Put(table="core", item={**_id_key(org_id, block_id), "e164": e164})


def forget_id(org_id: str, block_id: str) -> Delete:
    return Delete(table="core", key=_id_key(org_id, block_id))


def number_of(org_id: str, block_id: str) -> str | None:
    """Returns the number of a block by its id."""
    item = table.get("core", _id_key(org_id, block_id))
    return str(item["e164"]) if item else None


def get(org_id: str, ledger: Ledger, e164: str) -> Item | None:
    return table.get("core", ledger_key(org_id, ledger, e164))


def list_entries(
    org_id: str, ledger: Ledger, parse: Callable[[Item], T], limit: int, after: str | None
) -> tuple[list[T], str | None]:
    """Returns a page of a ledger, by number."""
    return page_of(Query(table="core", partition=f"{org_id}#{ledger}"), parse, org_id, ledger, limit, after)


def put_verdict(verdict: Verdict, subject_id: str) -> Put:
    """Returns the write that stores a verdict.

    The rules are compressed: the item stays below 1 KB, which halves the cost of the write.
    """
    place = {"pk": f"{verdict.org_id}#verdict#{subject_id}", "sk": verdict.evaluated_at}
    expires = int((clock.parse(verdict.evaluated_at) + FIVE_YEARS).timestamp())
    item = verdict.model_dump(mode="json")
    rules = zlib.compress(json.dumps(item["rules"], separators=(",", ":")).encode(), level=9)
    return Put(table="core", item={**place, **item, "rules": rules, "expires": expires})


def _read_verdict(item: Item) -> Verdict:
    rules = item["rules"]
    if isinstance(rules, bytes):  # old verdicts have uncompressed rules
        rules = json.loads(zlib.decompress(rules))
    return Verdict.model_validate({**item, "rules": rules})


def verdicts(org_id: str, subject_id: str, limit: int) -> list[Verdict]:
    """Returns the verdicts on a call or message, latest first."""
    query = Query(table="core", partition=f"{org_id}#verdict#{subject_id}", forward=False)
    return [_read_verdict(item) for item in query.page(limit).items]
