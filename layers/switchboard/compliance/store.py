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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, TypeVar

from pydantic import BaseModel

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import ConditionCheck, Delete, Put, Update
from switchboard.carriers.registries import ReassignedAnswer
from switchboard.compliance.amendment_store import law_key, parse_amendments
from switchboard.compliance.amendments import Amendment
from switchboard.compliance.data.law import AttemptCap
from switchboard.compliance.models import ConsentRecord, ReassignmentAnswer, Whereabouts
from switchboard.kit import clock, texts
from switchboard.persistence.listing import read_query_page

T = TypeVar("T")
Ledger = Literal["dnc", "opt-outs", "consent"]
Refusal = Callable[[list[Item | None]], Exception]

#: The calls in an attempts item, with the latest in the first slot. The highest cap of any state is three calls.
ATTEMPT_SLOTS = ("first", "second", "third")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """The stored facts about a number, read in one request."""

    blocked: bool = False
    opted_out: bool = False
    consent: ConsentRecord | None = None
    whereabouts: Whereabouts | None = None
    answers: dict[str, ReassignmentAnswer] = field(default_factory=dict)
    attempts: tuple[str, ...] = ()
    #: Amendments by place.
    amendments: dict[str, list[Amendment]] = field(default_factory=dict)


def ledger_key(org_id: str, ledger: Ledger, e164: str) -> Key:
    return {"pk": f"{org_id}#{ledger}", "sk": e164}


def _attempts_key(org_id: str, e164: str, subject: str) -> Key:
    return {"pk": f"{org_id}#attempts#{e164}", "sk": texts.digest(subject)}


def _answer_key(e164: str, since: date) -> Key:
    return {"pk": f"rnd#{e164}", "sk": since.isoformat()}


def _whereabouts_key(org_id: str, e164: str) -> Key:
    return {"pk": f"{org_id}#whereabouts", "sk": e164}


def read_facts(org_id: str, e164: str, subject: str, days: Sequence[date], places: Sequence[str] = ()) -> Facts:
    """Reads all facts about a number that the gate needs, in one consistent request.

    The facts include the database's answers for `days`, and the amendments of `places`.
    """
    blocked, opted_out, consent, attempts, where, *found = reads.get_items(
        "core",
        [
            ledger_key(org_id, "dnc", e164),
            ledger_key(org_id, "opt-outs", e164),
            ledger_key(org_id, "consent", e164),
            _attempts_key(org_id, e164, subject),
            _whereabouts_key(org_id, e164),
            *(law_key(place) for place in places),
            *(_answer_key(e164, day) for day in days),
        ],
    )
    laws, answers = found[: len(places)], found[len(places) :]
    return Facts(
        blocked=blocked is not None,
        opted_out=opted_out is not None,
        consent=ConsentRecord.model_validate(consent) if consent else None,
        whereabouts=Whereabouts.model_validate(where) if where else None,
        answers={item["sk"]: ReassignmentAnswer.model_validate(item) for item in answers if item},
        attempts=tuple(text for slot in ATTEMPT_SLOTS if (text := (attempts or {}).get(slot))),
        amendments={place: parse_amendments(item) for place, item in zip(places, laws, strict=True) if item},
    )


def get_cached_answer(e164: str, since: date) -> ReassignmentAnswer | None:
    """Returns the database's cached answer for a number and a date."""
    item = reads.get_item("core", _answer_key(e164, since))
    return ReassignmentAnswer.model_validate(item) if item else None


def cached_answer_writes(e164: str, since: date, answer: ReassignedAnswer, now: datetime) -> Put:
    """Returns the write that caches the database's answer for a number and a date, for as long as it is valid."""
    expires = int((now + ReassignmentAnswer.LIFETIME + _DAY).timestamp())
    item = {**_answer_key(e164, since), "answer": answer, "at": clock.format_iso(now), "expires": expires}
    return Put(table="core", item=item)


def not_listed_check(org_id: str, ledger: Ledger, e164: str, otherwise: Refusal) -> ConditionCheck:
    """Returns the check that a number is not in a ledger. The transaction fails if it is."""
    return ConditionCheck(
        table="core",
        key=ledger_key(org_id, ledger, e164),
        condition="attribute_not_exists(pk)",
        otherwise=otherwise,
    )


def attempt_writes(
    org_id: str, e164: str, subject: str, caps: Sequence[AttemptCap], now: datetime, otherwise: Refusal
) -> Update:
    """Returns the write that counts a call. It fails at a cap's limit, and is exact also for concurrent calls."""
    free = [
        f"(attribute_not_exists(#{ATTEMPT_SLOTS[cap.calls - 1]}) OR #{ATTEMPT_SLOTS[cap.calls - 1]} <= :before{number})"
        for number, cap in enumerate(caps)
    ]
    return Update(
        table="core",
        key=_attempts_key(org_id, e164, subject),
        expression=(
            "SET #third = if_not_exists(#second, :never), #second = if_not_exists(#first, :never), #first = :now,"
            " expires = :expires"
        ),
        names={f"#{slot}": slot for slot in ATTEMPT_SLOTS},
        values={
            ":now": clock.format_iso(now),
            ":never": "",
            **{
                f":before{number}": clock.format_iso(now - timedelta(hours=cap.hours))
                for number, cap in enumerate(caps)
            },
            # Caps are 24 hours at most, so no attempt counts after a day.
            ":expires": int((now + 2 * _DAY).timestamp()),
        },
        condition=" AND ".join(free),
        otherwise=otherwise,
    )


def first_consent_writes(record: ConsentRecord, org_id: str) -> Update:
    """Returns the write that stores a consent from a request, unless the ledger already has one."""
    fields = record.model_dump(mode="json")
    return Update(
        table="core",
        key=ledger_key(org_id, "consent", record.e164),
        expression="SET " + ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in fields),
        names={f"#{name}": name for name in fields},
        values={f":{name}": value for name, value in fields.items()},
    )


def add_entry_writes(org_id: str, ledger: Ledger, e164: str, entry: BaseModel, otherwise: Refusal) -> Put:
    """Returns the write that adds a number to a ledger. It fails if the number is already there."""
    return Put(
        table="core",
        item={**ledger_key(org_id, ledger, e164), **entry.model_dump(mode="json")},
        unless_exists=True,
        otherwise=otherwise,
    )


def replace_consent_writes(org_id: str, record: ConsentRecord, otherwise: Refusal) -> Put:
    """Returns the write that replaces a consent. It fails if nothing would change."""
    return Put(
        table="core",
        item={**ledger_key(org_id, "consent", record.e164), **record.model_dump(mode="json")},
        condition="attribute_not_exists(pk) OR #source <> :source OR #date <> :date",
        names={"#source": "source", "#date": "date"},
        values={":source": record.source.value, ":date": record.date},
        otherwise=otherwise,
    )


def whereabouts_writes(org_id: str, e164: str, where: Whereabouts) -> Put:
    """Returns the write that replaces the place of a number's holder."""
    return Put(
        table="core", item={**_whereabouts_key(org_id, e164), **where.model_dump(mode="json", exclude_none=True)}
    )


def delete_whereabouts_writes(org_id: str, e164: str) -> Delete:
    return Delete(table="core", key=_whereabouts_key(org_id, e164))


def remove_entry_writes(org_id: str, ledger: Ledger, e164: str, otherwise: Refusal) -> Delete:
    """Returns the write that removes a number from a ledger. It fails if the number is not there."""
    return Delete(
        table="core",
        key=ledger_key(org_id, ledger, e164),
        condition="attribute_exists(pk)",
        otherwise=otherwise,
    )


def _id_key(org_id: str, block_id: str) -> Key:
    return {"pk": f"{org_id}#dnc-ids", "sk": block_id}


def block_pointer_writes(org_id: str, block_id: str, e164: str) -> Put:
    """Returns the write of a pointer from a block's id to its number."""
    return Put(table="core", item={**_id_key(org_id, block_id), "e164": e164})


def delete_block_pointer_writes(org_id: str, block_id: str) -> Delete:
    return Delete(table="core", key=_id_key(org_id, block_id))


def get_number_of_block(org_id: str, block_id: str) -> str | None:
    """Returns the number of a block by its id."""
    item = reads.get_item("core", _id_key(org_id, block_id))
    return str(item["e164"]) if item else None


def get_entry(org_id: str, ledger: Ledger, e164: str) -> Item | None:
    return reads.get_item("core", ledger_key(org_id, ledger, e164))


def list_entries(
    org_id: str, ledger: Ledger, parse: Callable[[Item], T], limit: int, after: str | None
) -> tuple[list[T], str | None]:
    """Returns a page of a ledger, by number."""
    return read_query_page(Query(table="core", partition=f"{org_id}#{ledger}"), parse, org_id, ledger, limit, after)
