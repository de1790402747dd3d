"""The gate's ledgers, counters and caches in the `core` table.

| item | pk | sk |
|---|---|---|
| number on the do-not-call list | `<org>#dnc` | `<e164>` |
| pointer to that number by its id | `<org>#dnc-ids` | `<id>` |
| opt-out | `<org>#opt-outs` | `<e164>` |
| latest end of an opt-out | `<org>#opt-ins` | `<e164>` |
| number that opted out or in, by its digest | `<org>#numbers-of-digests` | `<digest>` |
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
from typing import Literal, NamedTuple

from switchboard.aws import reads
from switchboard.aws.dynamodb import MAX_BATCH_READS, Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import ConditionCheck, Delete, Put, Update
from switchboard.carriers.registries import ReassignedAnswer
from switchboard.compliance.amendments import Amendment
from switchboard.compliance.data.law import AttemptCap
from switchboard.compliance.models import ConsentRecord, ReassignmentAnswer, Whereabouts
from switchboard.kit import clock, texts
from switchboard.persistence.optimistic import StaleVersionError

Ledger = Literal["dnc", "opt-outs", "opt-ins", "consent"]
Refusal = Callable[[list[Item | None]], Exception]

#: The calls in an attempts item, with the latest in the first slot. The highest cap of any state is three calls.
ATTEMPT_SLOTS = ("first", "second", "third")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """The stored facts about a number, read in one request."""

    blocked: bool = False
    opted_out: bool = False
    #: When the holder's latest ended opt-out ended.
    opted_in_at: str | None = None
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


class FactsWanted(NamedTuple):
    """The facts that the gate needs about a number: also the database's answers for days, the amendments of places.

    `opt_in` asks for the end of the last opt-out.
    """

    org_id: str
    e164: str
    subject: str
    days: Sequence[date]
    places: Sequence[str] = ()
    opt_in: bool = False


def read_facts_of_many(wanted: Sequence[FactsWanted]) -> list[Facts]:
    """Reads the facts about several numbers, in one consistent request for each hundred items."""
    keys = [_fact_keys(one) for one in wanted]
    every = [key for some in keys for key in some]
    items: list[Item | None] = []
    for begin in range(0, len(every), MAX_BATCH_READS):
        items += reads.get_items("core", every[begin : begin + MAX_BATCH_READS])
    found = iter(items)
    return [_facts(one, [next(found) for _ in some]) for one, some in zip(wanted, keys, strict=True)]


def _fact_keys(wanted: FactsWanted) -> list[Key]:
    org_id, e164 = wanted.org_id, wanted.e164
    return [
        ledger_key(org_id, "dnc", e164),
        ledger_key(org_id, "opt-outs", e164),
        ledger_key(org_id, "consent", e164),
        _attempts_key(org_id, e164, wanted.subject),
        _whereabouts_key(org_id, e164),
        *([ledger_key(org_id, "opt-ins", e164)] if wanted.opt_in else []),
        *(law_key(place) for place in wanted.places),
        *(_answer_key(e164, day) for day in wanted.days),
    ]


def _facts(wanted: FactsWanted, items: Sequence[Item | None]) -> Facts:
    blocked, opted_out, consent, attempts, where, *found = items
    opt_in = found.pop(0) if wanted.opt_in else None
    laws, answers = found[: len(wanted.places)], found[len(wanted.places) :]
    return Facts(
        blocked=blocked is not None,
        opted_out=opted_out is not None,
        opted_in_at=(opt_in or {}).get("opted_in_at"),
        consent=ConsentRecord.model_validate(consent) if consent else None,
        whereabouts=Whereabouts.model_validate(where) if where else None,
        answers={item["sk"]: ReassignmentAnswer.model_validate(item) for item in answers if item},
        attempts=tuple(text for slot in ATTEMPT_SLOTS if (text := (attempts or {}).get(slot))),
        amendments={place: parse_amendments(item) for place, item in zip(wanted.places, laws, strict=True) if item},
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


def whereabouts_writes(org_id: str, e164: str, where: Whereabouts) -> Put:
    """Returns the write that replaces the place of a number's holder."""
    return Put(
        table="core", item={**_whereabouts_key(org_id, e164), **where.model_dump(mode="json", exclude_none=True)}
    )


def delete_whereabouts_writes(org_id: str, e164: str) -> Delete:
    return Delete(table="core", key=_whereabouts_key(org_id, e164))


def law_key(place: str) -> Key:
    return {"pk": f"law#{place}", "sk": "rows"}


def get_amendments_of_places(places: Sequence[str]) -> dict[str, list[Amendment]]:
    """Returns the amendments of several places."""
    items = reads.get_items("core", [law_key(place) for place in places])
    return {place: parse_amendments(item) for place, item in zip(places, items, strict=True) if item}


def parse_amendments(item: Item | None) -> list[Amendment]:
    return [Amendment.model_validate(row) for row in item["rows"]] if item else []


def get_amendments(place: str) -> tuple[int, list[Amendment]]:
    """Returns the version of a place's item, 0 without an item, and its amendments."""
    item = reads.get_item("core", law_key(place))
    return (item["version"] if item else 0), parse_amendments(item)


def amendment_writes(place: str, version: int, rows: Sequence[Amendment]) -> list[Put]:
    """Returns the writes that store a place's amendments if they still have that version.

    Raises StaleVersionError at commit.
    """
    item = {**law_key(place), "version": version + 1, "rows": [row.model_dump(mode="json") for row in rows]}
    return [
        Put(
            table="core",
            item=item,
            condition="version = :version" if version else "attribute_not_exists(pk)",
            values={":version": version} if version else {},
            otherwise=StaleVersionError,
        ),
        Put(table="core", item={"pk": "law", "sk": place}),
    ]


def amendment_log_writes(row: Amendment, what: Literal["added", "removed"], who: str, at: str) -> Put:
    """Returns the write that logs an added or removed amendment. Logs stay, because verdicts name amendments."""
    place = {"pk": f"law#{row.place}", "sk": f"log#{at}#{what}#{row.id}"}
    return Put(table="core", item={**place, "what": what, "who": who, "at": at, "row": row.model_dump(mode="json")})


def list_amended_places() -> list[str]:
    """Returns the places that have amendments, or had some."""
    return [item["sk"] for item in Query(table="core", partition="law").read_all()]
