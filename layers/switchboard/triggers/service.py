"""Creates, changes and deletes triggers, and rotates their tokens."""

from __future__ import annotations

from typing import Any, NamedTuple

from switchboard.accounts import organizations
from switchboard.aws import reads
from switchboard.aws.writes import Put
from switchboard.errors import NotFound
from switchboard.events import external_names
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, ids
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import Decision, retry_on_conflict
from switchboard.team.models import Member
from switchboard.triggers import store, tokens
from switchboard.triggers.models import Trigger, TriggerTally

#: The most triggers of an organization. Each may be fired at its own rate.
MAX_TRIGGERS = 100
#: The most rotated tokens that still work. Each has a look-up of its own.
MAX_RETIRING_TOKENS = 6
#: The most triggers of a page: their tallies are read in one request.
MAX_PAGE = 100
#: The name of the seed from which a repeated request derives the same token.
_SEED = "trigger"


class TriggerWithTally(NamedTuple):
    """A trigger and how often it was fired."""

    trigger: Trigger
    tally: TriggerTally


class TriggerWithToken(NamedTuple):
    """A trigger with the text of its token. Only this response shows the text."""

    trigger: Trigger
    tally: TriggerTally
    token: str


def create_trigger(member: Member, name: str, event_type: str, *, active: bool = True) -> TriggerWithToken:
    """Creates a trigger. Raises Invalid for an event type without a slug, and QuotaExceeded at the limit."""
    token = tokens.mint_token(member.effect.derive_seed(_SEED) if member.effect else None)
    now = clock.now_iso()
    trigger = Trigger(
        id=ids.new_id(store.TRIGGER_PREFIX),
        org_id=member.org_id,
        name=name,
        event_type=external_names.normalize_event_type(event_type),
        active=active,
        token_hash=token.hash,
        created_by=member.user_id,
        created_at=now,
        updated_at=now,
    )
    done = commit_once(
        member.effect,
        trigger.id,
        organizations.one_more_write(
            member.org_id, "triggers", MAX_TRIGGERS, things="triggers", advice="delete a trigger", code="trigger_limit"
        ),
        store.TRIGGERS.create_write(trigger),
        store.token_write(trigger),
        _trigger_event_write(member, trigger, "trigger.created"),
    )
    if done:
        assert member.effect is not None
        text = tokens.mint_token(member.effect.derive_seed(_SEED, done.salt)).text
        return TriggerWithToken(*get_trigger(member.org_id, done.subject_id), text)
    return TriggerWithToken(trigger, TriggerTally(), token.text)


def get_trigger(org_id: str, trigger_id: str) -> TriggerWithTally:
    """Returns a trigger of the organization with its tally. Raises NotFound."""
    trigger, tally = reads.read_refs(store.trigger_ref(org_id, trigger_id), store.tally_ref(org_id, trigger_id))
    if trigger is None:
        raise unknown_trigger()
    return TriggerWithTally(trigger, tally or TriggerTally())


def unknown_trigger() -> NotFound:
    """Returns the error of an id or a token that no active trigger has."""
    return NotFound("There is no such trigger: check its id.")


def list_triggers(org_id: str, limit: int, after: str | None) -> tuple[list[TriggerWithTally], str | None]:
    """Returns a page of the organization's triggers, newest first, and the cursor of the next page."""
    found, following = store.list_triggers(org_id, min(limit, MAX_PAGE), after)
    tallies = store.get_tallies(org_id, [trigger.id for trigger in found])
    return [TriggerWithTally(*pair) for pair in zip(found, tallies, strict=True)], following


def update_trigger(
    member: Member, trigger_id: str, *, name: str | None = None, active: bool | None = None
) -> TriggerWithTally:
    """Renames, pauses or resumes a trigger. A paused trigger refuses each event. Raises NotFound, Contended."""
    given: dict[str, Any] = {"name": name, "active": active}
    changes = {field: value for field, value in given.items() if value is not None}
    get_trigger(member.org_id, trigger_id)

    def decide(before: Trigger) -> Decision[Trigger]:
        if all(getattr(before, field) == value for field, value in changes.items()):
            return None
        after = next_version(before, **changes)
        return after, _trigger_event_write(member, after, "trigger.updated")

    store.TRIGGERS.change_object(member.org_id, trigger_id, decide, member.effect)
    return get_trigger(member.org_id, trigger_id)


def delete_trigger(origin: Origin, trigger_id: str, effect: IdempotencyKey | None = None) -> None:
    """Deletes a trigger with its tokens. Its firings stay until they expire. Raises NotFound, Contended."""
    if find_earlier_effect(effect):
        return

    def attempt() -> bool:
        trigger = get_trigger(origin.org_id, trigger_id).trigger
        commit_once(
            effect,
            trigger_id,
            store.TRIGGERS.delete_write(trigger),
            store.delete_token_writes([trigger.token_hash, *trigger.retiring]),
            store.delete_tally_write(origin.org_id, trigger_id),
            organizations.gauge_write(origin.org_id, "triggers", -1, None, None),
            _trigger_event_write(origin, next_version(trigger), "trigger.deleted"),
        )
        return True

    retry_on_conflict(attempt)


def rotate_trigger_token(member: Member, trigger_id: str) -> TriggerWithToken:
    """Gives a trigger a new token. The old token works for one more hour. Raises NotFound, Contended."""
    token = tokens.mint_token(member.effect.derive_seed(_SEED) if member.effect else None)

    def attempt() -> TriggerWithToken:
        before, tally = get_trigger(member.org_id, trigger_id)
        now, until = clock.now_iso(), clock.format_iso(clock.now() + tokens.OVERLAP)
        retiring = {one: end for one, end in before.retiring.items() if end > now} | {before.token_hash: until}
        kept = dict(sorted(retiring.items(), key=lambda pair: pair[1])[-MAX_RETIRING_TOKENS:])
        after = next_version(before, token_hash=token.hash, retiring=kept)
        done = commit_once(
            member.effect,
            trigger_id,
            store.TRIGGERS.save_write(after),
            store.token_write(after),
            store.delete_token_writes([one for one in before.retiring if one not in kept]),
            _trigger_event_write(member, after, "trigger.token_rotated", until=until),
        )
        if done:
            assert member.effect is not None
            text = tokens.mint_token(member.effect.derive_seed(_SEED, done.salt)).text
            return TriggerWithToken(before, tally, text)
        return TriggerWithToken(after, tally, token.text)

    rotated = retry_on_conflict(attempt)
    assert rotated is not None, "no write raises AlreadyRecordedError"
    return rotated


def _trigger_event_write(origin: Origin, trigger: Trigger, type_: str, **data: Any) -> Put:
    subject = Subject(type="trigger", id=trigger.id, version=trigger.version)
    return events.new_event_write(origin, type_, subject, event=trigger.event_type, active=trigger.active, **data)
