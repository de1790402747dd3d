"""The ledgers of blocked numbers, opt-outs and consents, by organization and number, for every channel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import Ref
from switchboard.aws.writes import ConditionCheck, Put, Write, Writes, commit
from switchboard.compliance import consents, ledger_store, phone, store
from switchboard.compliance.consents import BadConsentError
from switchboard.compliance.models import (
    BlockedNumber,
    ConsentRecord,
    ConsentSource,
    OptIn,
    OptOut,
    OptOutSource,
    PassedOptOut,
    StandingConsent,
)
from switchboard.compliance.verdicts import blocked_at_commit
from switchboard.errors import Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, texts
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import retry_on_conflict

#: The problem of an entered consent, and what to do. The text continues "Invalid consent: it".
_PROBLEM_TEXTS: dict[consents.ConsentProblem, str] = {
    "missing": "has no source and no date: state how and on which day the person gave it",
    "source_missing": "has no source: state how the person gave it",
    "source_unknown": f"has an unknown source: use one of {', '.join(ConsentSource)}",
    "date_missing": "has no date: state on which day the person gave it",
    "date_malformed": "has an invalid date: use a day such as 2026-01-31, or a time with a time zone",
    "date_in_future": "has a date in the future: state on which day the person gave it",
    "too_old": "has expired: get a new one, and enter its date",
}


class _UnchangedError(Exception):
    """The ledger already has this state. `item` is its current entry."""

    def __init__(self, items: list[Item | None]) -> None:
        super().__init__("unchanged")
        self.item = items[0]


def block_number(
    origin: Origin, e164: str, reason: str | None = None, effect: IdempotencyKey | None = None
) -> BlockedNumber:
    """Adds a number to the organization's do-not-call list, or returns its existing entry. Raises Invalid.

    A repeated request does not block a number again that was unblocked after the first one.
    """
    number = phone.parse_pasted(e164).e164
    entry = BlockedNumber(
        id=_block_id(origin.org_id, number),
        e164=number,
        reason=reason,
        created_by=origin.actor.id,
        at=clock.now_iso(),
    )
    try:
        done = commit_once(
            effect,
            entry.id,
            ledger_store.add_entry_writes(origin.org_id, "dnc", number, entry, _UnchangedError),
            ledger_store.block_pointer_writes(origin.org_id, entry.id, number),
            _event_write(origin, "number.blocked", number),
        )
    except _UnchangedError as unchanged:
        return _block(origin.org_id, unchanged.item or {})
    found = ledger_store.get_entry(origin.org_id, "dnc", number) if done else None
    return _block(origin.org_id, found) if found else entry


def unblock_number(origin: Origin, e164: str, effect: IdempotencyKey | None = None) -> bool:
    """Removes a number from the do-not-call list. Returns whether it was on the list. Raises Invalid."""
    number = phone.parse_pasted(e164).e164
    pointer = ledger_store.delete_block_pointer_writes(origin.org_id, _block_id(origin.org_id, number))
    return _remove_entry(origin, "dnc", number, "number.unblocked", pointer, effect=effect)


def unblock_number_by_id(origin: Origin, block_id: str, effect: IdempotencyKey | None = None) -> None:
    """Removes an entry from the do-not-call list by its id. Raises NotFound."""
    number = ledger_store.get_number_of_block(origin.org_id, block_id)
    if number is None:
        if find_earlier_effect(effect):
            return
        raise NotFound("No blocked number has this id: list the blocked numbers.")
    try:
        commit_once(
            effect,
            block_id,
            ledger_store.remove_entry_writes(origin.org_id, "dnc", number, _UnchangedError),
            ledger_store.delete_block_pointer_writes(origin.org_id, block_id),
            _event_write(origin, "number.unblocked", number),
        )
    except _UnchangedError:
        raise NotFound("This number is no longer blocked: list the blocked numbers.") from None


def _block(org_id: str, item: Item) -> BlockedNumber:
    """Returns the entry that an item holds."""
    # Old entries were stored without an id.
    return BlockedNumber.model_validate({"id": _block_id(org_id, item["e164"]), **item})


def _block_id(org_id: str, number: str) -> str:
    """Returns the id of a number's entry. It derives from the number, so no lookup is needed."""
    return f"blk_{texts.digest(f'{org_id}#{number}')[:26]}"


def record_opt_out(
    origin: Origin,
    e164: str,
    source: OptOutSource,
    keyword: str | None = None,
    reason: str | None = None,
    effect: IdempotencyKey | None = None,
) -> OptOut:
    """Records that a number's holder opted out of every channel (47 CFR 64.1200(a)(10)). Raises Invalid.

    A number that opted out before keeps its first entry, with the time of this request.
    """
    return add_opt_out(origin, e164, source, keyword, reason, effect).entry


class AddedOptOut(NamedTuple):
    """An opt-out in the ledger, and whether the request added it."""

    entry: OptOut
    is_new: bool


def add_opt_out(
    origin: Origin,
    e164: str,
    source: OptOutSource,
    keyword: str | None = None,
    reason: str | None = None,
    effect: IdempotencyKey | None = None,
) -> AddedOptOut:
    """Does what `record_opt_out` does, and also returns whether the entry is new. Raises Invalid."""
    number = phone.parse_pasted(e164).e164

    def attempt() -> AddedOptOut:
        entry, writes = opt_out_writes(origin, number, source, keyword, reason)
        try:
            done = commit_once(effect, texts.digest(number), writes)
        except AlreadyOptedOutError as before:
            # An older START that is still on its way must not end the opt-out that the person asks for now.
            commit(renewed_opt_out_write(origin.org_id, before.entry, entry.asked_at, source))
            return AddedOptOut(before.entry, is_new=False)
        found = ledger_store.get_entry(origin.org_id, "opt-outs", number) if done else None
        return AddedOptOut(OptOut.model_validate(found) if found else entry, is_new=True)

    added = retry_on_conflict(attempt)
    assert added is not None, "no attempt raises AlreadyRecordedError"
    return added


def opt_out_ref(org_id: str, e164: str) -> Ref[OptOut]:
    """Returns the reference to the opt-out of a number in E.164."""
    return Ref("core", store.ledger_key(org_id, "opt-outs", e164), OptOut.model_validate)


class AlreadyOptedOutError(Exception):
    """The number's holder opted out before. `entry` is the ledger's entry."""

    def __init__(self, items: list[Item | None]) -> None:
        super().__init__("opted out before")
        self.entry = OptOut.model_validate(items[0])


def opt_out_writes(
    origin: Origin,
    e164: str,
    source: OptOutSource,
    keyword: str | None = None,
    reason: str | None = None,
    at: str | None = None,
) -> tuple[OptOut, Writes]:
    """Returns an opt-out, and the writes that record it in the caller's commit. `at` is the time of a late request.

    The writes raise AlreadyOptedOutError at commit.
    """
    number = phone.parse_pasted(e164).e164
    asked_at = at or clock.now_iso()
    entry = OptOut(
        e164=number,
        source=source,
        keyword=keyword,
        reason=reason,
        created_by=origin.actor.id,
        created_at=asked_at,
        latest_at=asked_at,
    )
    return entry, [
        ledger_store.add_entry_writes(origin.org_id, "opt-outs", number, entry, AlreadyOptedOutError),
        ledger_store.digest_pointer_write(origin.org_id, number),
        _event_write(origin, "sms.opt_out", number, source=source, keyword=keyword),
    ]


def renewed_opt_out_write(org_id: str, entry: OptOut, at: str, source: OptOutSource) -> Write:
    """Returns the write that keeps an opt-out in force which the person asks for again at `at`, by any source.

    Raises StaleVersionError at commit if the ledger has another entry by then.
    """
    also_by = source if source != "keyword" and entry.by_keyword_only else None
    if at <= entry.asked_at and also_by is None:
        return ledger_store.same_opt_out_check(org_id, entry)
    return ledger_store.renew_opt_out_write(org_id, entry, max(at, entry.asked_at), also_by)


def opt_in_ref(org_id: str, e164: str) -> Ref[OptIn]:
    """Returns the reference to the latest end of an opt-out of a number in E.164."""
    return Ref("core", store.ledger_key(org_id, "opt-ins", e164), OptIn.model_validate)


def same_opt_in_check(org_id: str, e164: str, known: OptIn | None) -> ConditionCheck:
    """Returns the check that no opt-out has ended since `known` was read. Raises StaleVersionError at commit."""
    return ledger_store.same_opt_in_check(org_id, e164, known)


def opt_in_writes(origin: Origin, entry: OptOut, at: str) -> Writes:
    """Returns the writes that end an opt-out in the caller's commit. `at` is the time of the request.

    Raises StaleVersionError at commit if the ledger has another entry by then, for example after another request.
    """
    return [
        ledger_store.end_opt_out_write(origin.org_id, entry),
        ledger_store.opt_in_write(origin.org_id, OptIn(e164=entry.e164, opted_in_at=at)),
        ledger_store.digest_pointer_write(origin.org_id, entry.e164),
        _event_write(origin, "sms.opt_in", entry.e164),
    ]


def blocked_ref(org_id: str, e164: str) -> Ref[BlockedNumber]:
    """Returns the reference to a number's entry in the do-not-call list."""
    return Ref("core", store.ledger_key(org_id, "dnc", e164), partial(_block, org_id))


def consent_ref(org_id: str, e164: str) -> Ref[ConsentRecord]:
    """Returns the reference to a number's consent."""
    return Ref("core", store.ledger_key(org_id, "consent", e164), ConsentRecord.model_validate)


def first_consent_writes(origin: Origin, e164: str, source: ConsentSource, at: str) -> Writes:
    """Returns the writes that store a consent in the caller's commit, unless the ledger has one by then.

    `at` is the time at which the person gave it.
    """
    day = at[:10]
    entry = ConsentRecord(e164=e164, source=source, date=day, created_by=origin.actor.id, at=clock.now_iso())
    return [
        store.first_consent_writes(entry, origin.org_id),
        _event_write(origin, "consent.recorded", e164, source=source.value, date=day),
    ]


def renewed_consent_writes(origin: Origin, record: ConsentRecord, at: str) -> Writes:
    """Returns the writes that date a consent later in the caller's commit, none if its day is not later.

    `at` is the time at which the person gave it again. Raises StaleVersionError at commit if the ledger has another
    consent by then.
    """
    day = at[:10]
    if day <= record.date:
        return None
    return [
        ledger_store.renew_consent_write(origin.org_id, record, day, clock.now_iso()),
        _event_write(origin, "consent.recorded", record.e164, source=record.source.value, date=day),
    ]


def record_opt_in(origin: Origin, e164: str, effect: IdempotencyKey | None = None) -> bool:
    """Removes the opt-out of a number whose holder opts in again. Returns whether there was one. Raises Invalid."""
    number = phone.parse_pasted(e164).e164
    also = [
        ledger_store.digest_pointer_write(origin.org_id, number),
        ledger_store.opt_in_write(origin.org_id, OptIn(e164=number, opted_in_at=clock.now_iso())),
    ]
    return _remove_entry(origin, "opt-outs", e164, "sms.opt_in", *also, effect=effect)


class DigestedNumber(NamedTuple):
    """The number of a digest, and its present opt-out."""

    e164: str
    opt_out: OptOut | None


def find_digested_numbers(places: Sequence[tuple[str, str]]) -> list[DigestedNumber | None]:
    """Returns the numbers of up to 100 pairs of organization and digest, in the same order, for a worker.

    Events have only the digest of a number. `None` means that the number never opted out or in.
    """
    numbers = ledger_store.get_digested_numbers(places)
    known = [(org_id, e164) for (org_id, _), e164 in zip(places, numbers, strict=True) if e164]
    opt_outs = iter(reads.read_refs(*(opt_out_ref(*place) for place in known)) if known else ())
    return [DigestedNumber(e164, next(opt_outs)) if e164 else None for e164 in numbers]


def record_consent(
    origin: Origin, e164: str, source: str, date: str | None = None, effect: IdempotencyKey | None = None
) -> ConsentRecord:
    """Stores a consent in place of an older one. Without a date it counts from today. Raises Invalid."""
    number = phone.parse_pasted(e164).e164
    given, day = _stated(source, date)
    entry = ConsentRecord(e164=number, source=given, date=day, created_by=origin.actor.id, at=clock.now_iso())
    try:
        done = commit_once(
            effect,
            texts.digest(number),
            ledger_store.replace_consent_writes(origin.org_id, entry, _UnchangedError),
            _event_write(origin, "consent.recorded", number, source=given.value, date=day),
        )
    except _UnchangedError as unchanged:
        return ConsentRecord.model_validate(unchanged.item)
    found = ledger_store.get_entry(origin.org_id, "consent", number) if done else None
    return ConsentRecord.model_validate(found) if found else entry


def withdraw_consent(origin: Origin, e164: str, effect: IdempotencyKey | None = None) -> bool:
    """Deletes a consent from the ledger. Returns whether there was one. Raises Invalid.

    This does not prevent calls, because a later request may state a consent again. An opt-out does.
    """
    return _remove_entry(origin, "consent", e164, "consent.withdrawn", effect=effect)


def parse_standing_consent(source: str, date: str, of: str) -> StandingConsent:
    """Returns the consent to store on a key or a flow, which `of` names. Raises Invalid."""
    given, day = _stated(source, date)
    return StandingConsent(source=given.value, date=day, of=of)


def _stated(source: str, date: str | None) -> tuple[ConsentSource, str]:
    try:
        return consents.parse_consent(source, date)
    except BadConsentError as error:
        raise Invalid(
            f"Invalid consent: it {_PROBLEM_TEXTS[error.problem]}.",
            code="bad_consent",
            fields={"consent": _PROBLEM_TEXTS[error.problem]},
        ) from error


#: The most numbers of one call of `read_refusals`: each has two entries, and a request reads a hundred.
MAX_NUMBERS_READ = 50


class Refusals(NamedTuple):
    """Whether a number is on the do-not-call list, and the opt-out of its holder."""

    blocked: bool
    opt_out: OptOut | None


def read_refusals(numbers: Sequence[tuple[str, str]]) -> list[Refusals]:
    """Returns what the ledgers say now about up to 50 pairs of organization and number, in one consistent read."""
    keys = [store.ledger_key(org_id, ledger, e164) for org_id, e164 in numbers for ledger in ("dnc", "opt-outs")]
    found = reads.get_items("core", keys) if keys else []
    return [
        Refusals(blocked is not None, OptOut.model_validate(opted_out) if opted_out else None)
        for blocked, opted_out in zip(found[::2], found[1::2], strict=True)
    ]


def not_blocked_check(org_id: str, e164: str) -> ConditionCheck:
    """Returns the check that a number is not on the do-not-call list. It raises Blocked at commit."""
    return store.not_listed_check(org_id, "dnc", e164, blocked_at_commit("dnc", "dnc"))


def not_opted_out_check(org_id: str, e164: str, passed: PassedOptOut | None) -> ConditionCheck:
    """Returns the check that a number's holder has no opt-out but the passed one. It raises Blocked at commit."""
    refusal = blocked_at_commit("opted_out", "opt_out")
    if passed is None:
        return store.not_listed_check(org_id, "opt-outs", e164, refusal)
    return ledger_store.no_other_opt_out_check(org_id, e164, passed, refusal)


def list_blocked_numbers(org_id: str, limit: int, after: str | None = None) -> tuple[list[BlockedNumber], str | None]:
    """Returns a page of the do-not-call list, by number."""
    return ledger_store.list_entries(org_id, "dnc", partial(_block, org_id), limit, after)


def list_opt_outs(org_id: str, limit: int, after: str | None = None) -> tuple[list[OptOut], str | None]:
    """Returns a page of the opt-outs, by number."""
    return ledger_store.list_entries(org_id, "opt-outs", OptOut.model_validate, limit, after)


def list_consents(org_id: str, limit: int, after: str | None = None) -> tuple[list[ConsentRecord], str | None]:
    """Returns a page of the consents, by number."""
    return ledger_store.list_entries(org_id, "consent", ConsentRecord.model_validate, limit, after)


def is_blocked(org_id: str, e164: str) -> bool:
    """Whether a number is on the organization's do-not-call list. Raises Invalid."""
    return ledger_store.get_entry(org_id, "dnc", phone.parse_pasted(e164).e164) is not None


def _remove_entry(
    origin: Origin, ledger: store.Ledger, e164: str, kind: str, *also: Writes, effect: IdempotencyKey | None = None
) -> bool:
    number = phone.parse_pasted(e164).e164
    try:
        commit_once(
            effect,
            texts.digest(number),
            ledger_store.remove_entry_writes(origin.org_id, ledger, number, _UnchangedError),
            *also,
            _event_write(origin, kind, number),
        )
    except _UnchangedError:
        # An earlier run of the request may have removed it.
        return find_earlier_effect(effect) is not None
    return True


def _event_write(origin: Origin, kind: str, e164: str, **data: str | None) -> Put:
    digest = texts.digest(e164)
    return events.new_event_write(origin, kind, Subject(type="number", id=digest), number=digest, **data)
