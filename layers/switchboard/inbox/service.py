"""Read states: marks things as read and unread, counts what a member has not read, and forgets removed things.

`kind` names an inbox of an organization, for example `calls`. The noun that owns the things counts each of them by a
projection of the event of its creation (`count_thing_writes`). It deletes a thing in two steps: `removal_write` in its
own commit, and then `settle_removal`. `inbox.unread` lists the unread things.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import Ref
from switchboard.aws.writes import Put, Write, Writes, commit
from switchboard.inbox import store, time_counts
from switchboard.inbox.models import InboxThing, ReadState
from switchboard.inbox.store import flag_ref, state_ref
from switchboard.kit import clock
from switchboard.persistence.idempotency import IdempotencyGuard, commit_once
from switchboard.persistence.optimistic import retry_on_conflict

__all__ = ["InboxThing", "ReadState", "flag_ref", "state_ref"]

#: Counts end here: a client shows larger numbers as "99+".
MAX_COUNT = 100
#: The members whose flags are removed in one commit. Each takes two writes, and the last commit has eight more.
_MEMBERS_PER_COMMIT = 40
_MEMBERS_PER_READ = 100


def count_thing_writes(org_id: str, kind: str, thing: InboxThing) -> Writes:
    """Returns the writes that count a thing, for a projection. `None` if it is counted or removed already."""
    counted, removed = _read_thing(org_id, kind, thing)
    if counted or removed:
        return None
    return [*store.add_thing_writes(org_id, kind, thing), store.not_removed_check(org_id, kind, thing)]


def list_things(org_id: str, kind: str) -> Iterator[InboxThing]:
    """Yields all counted things, for the removal of a projection."""
    return store.list_things(org_id, kind)


def list_newest_things(org_id: str, kind: str, since: str, before: str, limit: int) -> list[InboxThing]:
    """Returns the counted things from the place `since` (included) to `before` (not included), the newest first."""
    found = store.read_places(org_id, kind, since, before, limit + 1).items
    things = [InboxThing.of_place(item["sk"], item.get("hint", "")) for item in found]
    return [thing for thing in things if thing.place < before][:limit]


def uncount_thing_writes(org_id: str, kind: str, thing: InboxThing) -> Writes:
    """Returns the writes that end the count of a thing, for the removal of a projection."""
    counted, _ = _read_thing(org_id, kind, thing)
    return store.drop_thing_writes(org_id, kind, thing) if counted else None


def set_read(
    org_id: str,
    kind: str,
    user_id: str,
    thing: InboxThing,
    *,
    read: bool,
    extra: Sequence[Writes] = (),
    effect: IdempotencyGuard | None = None,
) -> bool:
    """Marks a thing as read or unread for a member. Returns whether the state changed.

    A new thing may not be counted yet: then this counts it. A removed thing has no state. `extra` are other writes of
    the commit. Raises Contended, and the errors of `extra`.
    """

    def attempt() -> bool:
        flags = [store.flag_key(org_id, kind, user_id, flag, thing) for flag in ("read", "unread")]
        keys = [store.thing_key(org_id, kind, thing), store.removed_key(org_id, kind, thing)]
        counted, removed, stored, *flagged = reads.get_items(
            "core", [*keys, store.state_key(org_id, kind, user_id), *flags]
        )
        state = ReadState.model_validate(stored or {})
        flag = flagged[state.flag_of(thing) == "unread"]
        changed = not removed and state.is_read(thing, store.flag_epoch(flag) if flag else None) != read
        writes: list[Writes] = list(extra)
        if changed:
            # The flag makes the thing an exception, so a thing with a flag loses it.
            wanted = store.clear_flag_writes if state.covers(thing) == read else store.set_flag_writes
            writes += [wanted(org_id, kind, user_id, state, thing), store.not_removed_check(org_id, kind, thing)]
            if not counted:
                writes.append(store.add_thing_writes(org_id, kind, thing))
        if writes:
            commit_once(effect, thing.id, *writes)
        return changed

    return bool(retry_on_conflict(attempt))


def state_refs(*kinds: str) -> Callable[[str, str], list[Ref[ReadState]]]:
    """Returns the references to a member's read states of inboxes, by the ids of the organization and the person."""
    return lambda org_id, user_id: [state_ref(org_id, kind, user_id) for kind in kinds]


def mark_all_read(
    org_id: str,
    kind: str,
    user_id: str,
    effect: IdempotencyGuard | None = None,
    state: ReadState | None = None,
) -> int:
    """Marks all things up to now as read for a member. Returns the number of things that were unread.

    It takes three requests at any number of things, or two if the caller has read the member's `state` already. A
    repeated request returns the number of the first run. Raises Contended.
    """
    known = [state] if state else []

    def attempt() -> int:
        # The state of the caller is for the first attempt: if it has changed since, the next one reads it again.
        state = known.pop() if known else reads.read_ref(store.state_ref(org_id, kind, user_id)) or ReadState()
        now = max(clock.now_iso(), state.marked_at)
        [unread] = _count(org_id, [(kind, state)])
        done = commit_once(effect, str(unread), store.next_epoch_write(org_id, kind, user_id, state, now))
        return int(done.subject_id) if done else unread

    return retry_on_conflict(attempt) or 0


def count_unread(
    org_id: str, user_id: str, kinds: Sequence[str], states: Sequence[ReadState | None] | None = None
) -> dict[str, int]:
    """Returns for each kind how many things a member has not read, at most 100.

    It takes two round trips, or one if the caller has read the `states` of `state_refs` already.
    """
    if states is None:
        states = reads.read_refs(*state_refs(*kinds)(org_id, user_id))
    counts = _count(org_id, [(kind, state or ReadState()) for kind, state in zip(kinds, states, strict=True)])
    return {kind: min(count, MAX_COUNT) for kind, count in zip(kinds, counts, strict=True)}


def count_refs(org_id: str, kind: str, state: ReadState) -> list[Ref[Item]]:
    """Returns the references that `count_from` needs, for a caller that reads them together with other things."""
    return [Ref("core", key, dict) for key in time_counts.node_keys(org_id, kind, state.marked_at)]


def count_from(state: ReadState, nodes: Sequence[Item | None]) -> int:
    """Returns how many things a member has not read, at most 100. `nodes` are the objects of `count_refs`."""
    return min(_unread(state, nodes), MAX_COUNT)


def _count(org_id: str, wanted: Sequence[tuple[str, ReadState]]) -> list[int]:
    keys = [time_counts.node_keys(org_id, kind, state.marked_at) for kind, state in wanted]
    nodes = iter(reads.get_items("core", [key for path in keys for key in path]))
    return [_unread(state, [next(nodes) for _ in path]) for (_, state), path in zip(wanted, keys, strict=True)]


def _unread(state: ReadState, nodes: Sequence[Item | None]) -> int:
    later = time_counts.count_after(state.marked_at, nodes)
    return max(0, later - state.read_flags) + state.unread_flags


def are_read(org_id: str, kind: str, user_id: str, things: Sequence[InboxThing]) -> list[bool]:
    """Returns for each of up to 100 things whether a member has read it. It takes two round trips.

    A caller that reads the things, too, reads `state_ref` and `flag_ref` together with them.
    """
    state = reads.read_ref(store.state_ref(org_id, kind, user_id)) or ReadState()
    flags = reads.read_refs(*(store.flag_ref(org_id, kind, user_id, state, thing) for thing in things))
    return [state.is_read(thing, flag) for thing, flag in zip(things, flags, strict=True)]


def bulk_items(org_id: str, kind: str, things: Sequence[InboxThing]) -> Iterator[Item]:
    """Yields the items of an inbox that has these things only, for a bulk load during which no event is projected."""
    yield from (store.thing_item(org_id, kind, thing) for thing in things)
    yield from time_counts.count_items(org_id, kind, (thing.created_at for thing in things))


def removal_write(org_id: str, kind: str, thing: InboxThing) -> Put:
    """Returns the write that removes a thing, for the commit that deletes it. Call `settle_removal` then."""
    return store.removed_write(org_id, kind, thing)


def settle_removal(org_id: str, kind: str, thing: InboxThing) -> None:
    """Corrects the counts of all members after the commit of a thing's removal. It may run several times.

    Raises Contended.
    """
    retry_on_conflict(lambda: _settle(org_id, kind, thing))


def _settle(org_id: str, kind: str, thing: InboxThing) -> None:
    # The thing is removed, so nobody flags it from now on. It stays counted until the last flag is gone: a run that
    # stops leaves it counted, and the next run finishes.
    counted, removed = _read_thing(org_id, kind, thing)
    assert removed, "call it after the commit of removal_write"
    writes = _flag_removal_writes(org_id, kind, thing)
    while len(writes) > _MEMBERS_PER_COMMIT:
        commit(*writes[:_MEMBERS_PER_COMMIT])
        writes = writes[_MEMBERS_PER_COMMIT:]
    drop = store.drop_thing_writes(org_id, kind, thing) if counted else None
    if writes or drop:
        commit(*writes, drop)


def _flag_removal_writes(org_id: str, kind: str, thing: InboxThing) -> list[list[Write]]:
    """Returns the writes that remove the flags of a thing, for each member with a valid flag."""
    members = list(store.list_states(org_id, kind))
    found: list[list[Write]] = []
    for begin in range(0, len(members), _MEMBERS_PER_READ):
        part = members[begin : begin + _MEMBERS_PER_READ]
        epochs = reads.read_refs(*(store.flag_ref(org_id, kind, user_id, state, thing) for user_id, state in part))
        found += [
            store.clear_flag_writes(org_id, kind, user_id, state, thing)
            for (user_id, state), epoch in zip(part, epochs, strict=True)
            if epoch == state.epoch
        ]
    return found


def _read_thing(org_id: str, kind: str, thing: InboxThing) -> list[Item | None]:
    """Reads whether a thing is counted, and whether it is removed."""
    return reads.get_items("core", [store.thing_key(org_id, kind, thing), store.removed_key(org_id, kind, thing)])
