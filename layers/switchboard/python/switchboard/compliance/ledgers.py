"""Who must not be called, who opted out, and who consented: kept by organisation and number, for every channel."""

from __future__ import annotations

from functools import partial

from switchboard.aws import clock, secret
from switchboard.aws.effect import Effect, commit_once, done_before
from switchboard.aws.table import Item, Writes
from switchboard.compliance import consents, phone, store
from switchboard.compliance.consents import BadConsentError
from switchboard.compliance.models import Basis, BlockedNumber, ConsentRecord, ConsentSource, OptOut, OptOutSource
from switchboard.errors import Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject

#: What is wrong with a consent that somebody enters, and what to do.
_TOLD: dict[consents.Problem, str] = {
    "missing": "has neither a source nor a date",
    "source_missing": "has no source: say how it was given",
    "source_unknown": f"has an unknown source: take one of {', '.join(ConsentSource)}",
    "date_missing": "has no date: say on which day it was given",
    "date_malformed": "has a malformed date: take a day such as 2026-01-31, or a moment with its time zone",
    "date_in_future": "is dated in the future: say on which day it was given",
    "too_old": "has expired: ask for a new one, and enter its date",
}


class _UnchangedError(Exception):
    """The ledger says that already. `item` is what it says."""

    def __init__(self, items: list[Item | None]) -> None:
        super().__init__("unchanged")
        self.item = items[0]


def block(origin: Origin, e164: str, reason: str | None = None, effect: Effect | None = None) -> BlockedNumber:
    """Put a number on the organisation's do-not-call list. One that is there stays as it is. Raises Invalid.

    A request that is made again blocks no number that was unblocked meanwhile.
    """
    number = phone.written(e164).e164
    entry = BlockedNumber(
        id=_block_id(origin.org_id, number),
        e164=number,
        reason=reason,
        created_by=origin.actor.id,
        at=clock.stamp(),
    )
    try:
        done = commit_once(
            effect,
            entry.id,
            store.enter(origin.org_id, "dnc", number, entry, _UnchangedError),
            store.point_at(origin.org_id, entry.id, number),
            events.record(_event(origin, "number.blocked", number)),
        )
    except _UnchangedError as unchanged:
        return _block(origin.org_id, unchanged.item or {})
    found = store.get(origin.org_id, "dnc", number) if done else None
    return _block(origin.org_id, found) if found else entry


def unblock(origin: Origin, e164: str, effect: Effect | None = None) -> bool:
    """Take a number off the do-not-call list. Answers whether it was there. Raises Invalid."""
    number = phone.written(e164).e164
    pointer = store.forget_id(origin.org_id, _block_id(origin.org_id, number))
    return _strike(origin, "dnc", number, "number.unblocked", pointer, effect=effect)


def unblock_by_id(origin: Origin, block_id: str, effect: Effect | None = None) -> None:
    """Take the number of an entry off the do-not-call list. Raises NotFound for an entry that is not there."""
    number = store.number_of(origin.org_id, block_id)
    if number is None:
        if done_before(effect):
            return
        raise NotFound("This number is not blocked.")
    try:
        commit_once(
            effect,
            block_id,
            store.strike(origin.org_id, "dnc", number, _UnchangedError),
            store.forget_id(origin.org_id, block_id),
            events.record(_event(origin, "number.unblocked", number)),
        )
    except _UnchangedError:
        raise NotFound("This number is not blocked.") from None


def _block(org_id: str, item: Item) -> BlockedNumber:
    """An entry, as it is stored."""
    # Entries of before there were ids have none.
    return BlockedNumber.model_validate({"id": _block_id(org_id, item["e164"]), **item})


def _block_id(org_id: str, number: str) -> str:
    """The id of a number's entry: the same each time, so that whoever has the number needs no look-up."""
    return f"blk_{secret.digest(f'{org_id}#{number}')[:26]}"


def opt_out(
    origin: Origin,
    e164: str,
    source: OptOutSource,
    keyword: str | None = None,
    reason: str | None = None,
    effect: Effect | None = None,
) -> OptOut:
    """Note that a number's holder opted out, of every channel at once (47 CFR 64.1200(a)(10)). Raises Invalid.

    A number that opted out before keeps its first entry.
    """
    entry, writes = opt_out_writes(origin, e164, source, keyword, reason)
    try:
        done = commit_once(effect, secret.digest(entry.e164), writes)
    except OptedOut as before:
        return before.entry
    found = store.get(origin.org_id, "opt-outs", entry.e164) if done else None
    return OptOut.model_validate(found) if found else entry


class OptedOut(Exception):
    """A number's holder opted out before. `entry` is what the ledger has."""

    def __init__(self, items: list[Item | None]) -> None:
        super().__init__("opted out before")
        self.entry = OptOut.model_validate(items[0])


def opt_out_writes(
    origin: Origin, e164: str, source: OptOutSource, keyword: str | None = None, reason: str | None = None
) -> tuple[OptOut, Writes]:
    """An opt-out, and the writes that note it, for the commit of what asked for it. Raise OptedOut at commit."""
    number = phone.written(e164).e164
    entry = OptOut(
        e164=number,
        source=source,
        keyword=keyword,
        reason=reason,
        created_by=origin.actor.id,
        created_at=clock.stamp(),
    )
    return entry, [
        store.enter(origin.org_id, "opt-outs", number, entry, OptedOut),
        events.record(_event(origin, "sms.opt_out", number, source=source, keyword=keyword)),
    ]


def opt_in(origin: Origin, e164: str, effect: Effect | None = None) -> bool:
    """Note that a number's holder wants to hear again. Answers whether there was an opt-out. Raises Invalid."""
    return _strike(origin, "opt-outs", e164, "sms.opt_in", effect=effect)


def record_consent(
    origin: Origin, e164: str, source: str, date: str | None = None, effect: Effect | None = None
) -> ConsentRecord:
    """Enter a consent, in place of an older one; without a date, from today. Raises Invalid."""
    number = phone.written(e164).e164
    given, day = _stated(source, date)
    entry = ConsentRecord(e164=number, source=given, date=day, created_by=origin.actor.id, at=clock.stamp())
    try:
        done = commit_once(
            effect,
            secret.digest(number),
            store.enter_consent(origin.org_id, entry, _UnchangedError),
            events.record(_event(origin, "consent.recorded", number, source=given.value, date=day)),
        )
    except _UnchangedError as unchanged:
        return ConsentRecord.model_validate(unchanged.item)
    found = store.get(origin.org_id, "consent", number) if done else None
    return ConsentRecord.model_validate(found) if found else entry


def withdraw_consent(origin: Origin, e164: str, effect: Effect | None = None) -> bool:
    """Take a consent out of the ledger. Answers whether there was one. Raises Invalid.

    Who wants no more calls opts out: a later request may state a consent again.
    """
    return _strike(origin, "consent", e164, "consent.withdrawn", effect=effect)


def basis(source: str, date: str, of: str) -> Basis:
    """A consent to record on what calls: a key or a flow, which `of` names. Raises Invalid."""
    given, day = _stated(source, date)
    return Basis(source=given.value, date=day, of=of)


def _stated(source: str, date: str | None) -> tuple[ConsentSource, str]:
    try:
        return consents.stated(source, date)
    except BadConsentError as error:
        raise Invalid(
            f"This is not a consent: it {_TOLD[error.problem]}.",
            code="bad_consent",
            fields={"consent": _TOLD[error.problem]},
        ) from error


def blocked(org_id: str, limit: int, after: str | None = None) -> tuple[list[BlockedNumber], str | None]:
    """A page of the do-not-call list, by number."""
    return store.list_entries(org_id, "dnc", partial(_block, org_id), limit, after)


def opt_outs(org_id: str, limit: int, after: str | None = None) -> tuple[list[OptOut], str | None]:
    """A page of the opt-outs, by number."""
    return store.list_entries(org_id, "opt-outs", OptOut.model_validate, limit, after)


def consented(org_id: str, limit: int, after: str | None = None) -> tuple[list[ConsentRecord], str | None]:
    """A page of the consents, by number."""
    return store.list_entries(org_id, "consent", ConsentRecord.model_validate, limit, after)


def is_blocked(org_id: str, e164: str) -> bool:
    """Whether a number is on the organisation's do-not-call list. Raises Invalid."""
    return store.get(org_id, "dnc", phone.written(e164).e164) is not None


def _strike(
    origin: Origin, ledger: store.Ledger, e164: str, kind: str, *also: Writes, effect: Effect | None = None
) -> bool:
    number = phone.written(e164).e164
    try:
        commit_once(
            effect,
            secret.digest(number),
            store.strike(origin.org_id, ledger, number, _UnchangedError),
            *also,
            events.record(_event(origin, kind, number)),
        )
    except _UnchangedError:
        # An earlier run of the request may have struck it.
        return done_before(effect) is not None
    return True


def _event(origin: Origin, kind: str, e164: str, **data: str | None) -> events.Event:
    digest = secret.digest(e164)
    return events.of(origin, kind, Subject(type="number", id=digest), number=digest, **data)
