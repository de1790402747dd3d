"""The moves of a brand and its campaign after they were submitted, each with its events and jobs. Pure decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from switchboard.aws.writes import Writes
from switchboard.brands import records
from switchboard.brands.jobs import AdvanceRegistration, MarkNumbers
from switchboard.brands.models import Brand, RegistrationIssue, RegistrationStatus, can_move
from switchboard.brands.orders import part_under_way, status_of_part
from switchboard.carriers.registrations.ports.registry import RegistrationPart, RegistryIssue
from switchboard.kit import clock, texts
from switchboard.persistence.collection import next_version
from switchboard.timers import service as timers

#: The pauses between two questions about a verdict, in minutes. The last one repeats. A brand takes minutes to days,
#: and a campaign takes days to weeks.
_PAUSES = (1, 2, 5, 10, 30, 60, 120, 240, 360)
_AT_ONCE = timedelta(0)
#: The most reasons of a rejection that are kept.
_MAX_ISSUES = 20

Decided = tuple[Brand, list[Writes]]


def next_turn(brand: Brand, pause: timedelta, **facts: Any) -> Decided:
    """Returns the brand with its next turn after a pause, and the writes that plan the turn."""
    turn = brand.turn + 1
    job = AdvanceRegistration(org_id=brand.org_id, turn=turn)
    timer = timers.schedule(job, clock.now() + pause)
    after = next_version(brand, **facts, turn=turn, timer=timer.ref)
    return after, [timers.cancel_writes(brand.timer), timer.write]


def ask_later(brand: Brand, **facts: Any) -> Decided:
    """Returns the brand that asks again later. The pauses grow."""
    minutes = _PAUSES[min(brand.checks, len(_PAUSES) - 1)]
    return next_turn(brand, timedelta(minutes=minutes), claim=None, checks=brand.checks + 1, **facts)


def wait_for_verdict(
    brand: Brand, part: RegistrationPart, issues: Sequence[RegistryIssue], *, asks_again: bool
) -> Decided | None:
    """Returns the brand that is still pending, with what it waits for. Returns `None` if nothing changes."""
    errors = _errors_of(issues)
    if part != "brand" or errors == brand.errors:
        return ask_later(brand) if asks_again else None
    after, writes = ask_later(brand, errors=errors) if asks_again else (next_version(brand, errors=errors), [])
    # A registry that only words it differently tells nothing new.
    is_new = {one.code for one in errors} > {one.code for one in brand.errors}
    return after, [*writes, _moved_write(after, part, "verification_needed") if is_new else None]


def finish_step(brand: Brand, part: RegistrationPart, step: str, sid: str, *, is_last: bool) -> Decided:
    """Returns the brand after a step. After the last one, the registry has the brand or the campaign."""
    facts: dict[str, Any] = {
        "sids": {**brand.sids, step: sid},
        "done": [*brand.done, step],
        "claim": None,
        "checks": 0,
    }
    if not is_last:
        return next_turn(brand, _AT_ONCE, **facts)
    facts |= _part_facts(brand, part, RegistrationStatus.PENDING)
    after, writes = next_turn(brand, timedelta(minutes=_PAUSES[0]), **facts)
    return after, [*writes, _moved_write(after, part, "pending")]


def approve(brand: Brand, part: RegistrationPart) -> Decided:
    """Returns the brand after an approval. A campaign that waits for its brand is next."""
    facts = _part_facts(brand, part, RegistrationStatus.APPROVED, decided_at=clock.now_iso(), errors=[])
    return _decided(brand, part, "approved", facts)


def reject(brand: Brand, part: RegistrationPart, issues: Sequence[RegistryIssue]) -> Decided:
    """Returns the brand after a rejection, with the reasons. Without its brand, a campaign is a draft again."""
    errors = _errors_of(issues)
    facts = _part_facts(brand, part, RegistrationStatus.REJECTED, decided_at=clock.now_iso(), errors=errors)
    if part == "brand" and brand.campaign and brand.campaign.status is RegistrationStatus.SUBMITTED:
        draft = {"status": RegistrationStatus.DRAFT, "submitted_at": None}
        facts["campaign"] = brand.campaign.model_copy(update=draft)
    return _decided(brand, part, "rejected", facts, codes=sorted({texts.to_code(one.code) or "_" for one in errors}))


def _errors_of(issues: Sequence[RegistryIssue]) -> list[RegistrationIssue]:
    return [RegistrationIssue(code=one.code, message=one.message, field=one.field) for one in issues[:_MAX_ISSUES]]


def _decided(brand: Brand, part: RegistrationPart, word: str, facts: dict[str, Any], **data: Any) -> Decided:
    facts |= {"claim": None, "checks": 0}
    judged = brand.model_copy(update=facts)
    writes: list[Writes] = []
    if part_under_way(judged):
        after, writes = next_turn(brand, _AT_ONCE, **facts)
    else:
        after = next_version(brand, **facts, turn=brand.turn + 1, timer=None)
        writes = [timers.cancel_writes(brand.timer)]
    mark = timers.job_write(MarkNumbers(org_id=brand.org_id))
    return after, [*writes, _moved_write(after, part, word, **data), mark]


def _part_facts(brand: Brand, part: RegistrationPart, status: RegistrationStatus, **facts: Any) -> dict[str, Any]:
    before = status_of_part(brand, part)
    assert can_move(before, status), f"a {part} cannot move from {before} to {status}"
    if part == "brand":
        return {"status": status, **facts}
    assert brand.campaign, "a campaign that moves is there"
    return {"campaign": brand.campaign.model_copy(update={"status": status, **facts})}


def _moved_write(brand: Brand, part: RegistrationPart, word: str, **data: Any) -> Writes:
    """Returns the write of the event of a move."""
    work, facts = records.work_of(brand), {"attempt": brand.attempt, **data}
    if part == "brand":
        return records.brand_event_write(work, f"brand.{word}", brand, **facts)
    return records.brand_event_write(work, f"brand_campaign.{word}", brand, **facts)
