"""Opening a stream: from where on, with or without a place; and what a client without one gets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from switchboard import telemetry
from switchboard.accounts.models import Caller, Organisation
from switchboard.agents import service as agents
from switchboard.aws import chance, clock, ids, secret, settings
from switchboard.errors import NotFound, RateLimited
from switchboard.streams import pools, sse, store
from switchboard.streams.guard import Guard
from switchboard.streams.models import Selection, Subscription
from switchboard.streams.pools import Lease
from switchboard.streams.source import AuditChain, Source

#: How often a place is tried for, where other streams are faster each time. Then the answer is one that ends.
_ATTEMPTS = 3
#: Seconds after which a stream may be replaced by one that its client resumes. See `_replaced`.
SETTLED = 120

#: An answer that ends holds at most so many entries, shown or not, and about so many bytes.
_MOST, _LONGEST = 500, 256 * 1024
#: When its client comes again, in milliseconds: after such an answer, and when more is there already.
_RETRY_MS, _RETRY_MS_BEHIND = (4_000, 8_000), (500, 1_500)


def watch_events(
    caller: Caller, guard: Guard, *, channel: str | None, agent_id: str | None, last_seen: int | None, address: str
) -> Subscription:
    """Open a stream of the organization's events. An agent key sees its own agent's events.

    Raises NotFound for another organization's agent, and for an agent key any other agent.
    """
    return subscribe(
        caller.organisation,
        AuditChain(caller.org_id),
        guard,
        Selection(agent_id=_watched(caller, agent_id), channel=channel),
        last_seen=last_seen,
        client=f"{caller.key.id} {address}",
    )


def _watched(caller: Caller, agent_id: str | None) -> str | None:
    if caller.is_master:
        return agents.get(caller.org_id, agent_id).id if agent_id is not None else None
    if agent_id not in (None, caller.agent_id):
        raise NotFound("There is no such agent.")
    return caller.agent_id


def subscribe(
    organisation: Organisation,
    source: Source,
    guard: Guard,
    selection: Selection,
    *,
    last_seen: int | None,
    client: str,
) -> Subscription:
    """Open a stream of a source for a client whom the guard has let in.

    It is live where the organization and its plan's pool have a place. Otherwise it says why not, and `catch_up` makes
    its answer. `client` names who asks, for a stream that replaces its own older one.
    """
    start = source.start(last_seen)
    stream_id = ids.new("str")
    owner = secret.digest(f"{client} {source.id} {selection.wanted}")[:16]
    shard, full = None, None
    try:
        shard = _take(organisation, stream_id, owner, resumed=start.resumed)
    except FullError as error:
        full = str(error)
    except RateLimited:
        # The request's own limits, which the first write waited for.
        raise
    except Exception:  # noqa: BLE001 without the table nobody gets a place, and everybody still gets events
        telemetry.metric("StreamLimiterDown")
        telemetry.logger().warning("the streams' leases cannot be reached", exc_info=True)
        full = "the limit of open streams cannot be checked now"
    return Subscription(stream_id, organisation.id, source, guard, selection, start, shard, full)


class FullError(Exception):
    """There is no place for another live stream. The text says which limit is reached."""


def limit_of(organisation: Organisation) -> int:
    """How many live streams an organization may have: the agreed number, else the plan's."""
    agreed = organisation.limits.get("open_streams", pools.OPEN_STREAMS[organisation.plan])
    return settings.number("OPEN_STREAMS", agreed)


def _take(organisation: Organisation, stream_id: str, owner: str, *, resumed: bool) -> str:
    """Take a place of the organization and one of its plan's pool. Returns the pool's item."""
    limit, own, shards = limit_of(organisation), store.key_of_org(organisation.id), pools.shards(organisation.plan)
    for _ in range(_ATTEMPTS):
        # One read decides, so being full costs no write.
        known, *places = store.leases([own, *(shard.id for shard in shards)])
        gone = _replaced(store.running(known), limit, owner if resumed else None)
        held = dict(zip(shards, places, strict=True))
        shard = pools.choose({one: list(store.running(found).values()) for one, found in held.items()}, organisation.id)
        if shard is None:
            raise FullError(f"all live streams of the {organisation.plan} plan are taken")
        if not store.take(own, stream_id, owner, limit, known, gone):
            continue
        if store.take(shard.id, stream_id, organisation.id, shard.places, held[shard]):
            return shard.id
        store.release(own, stream_id)
    raise FullError("many streams are being opened")


def _replaced(held: dict[str, Lease], limit: int, owner: str | None) -> list[str]:
    """The streams that another one replaces. Raises FullError where there is no room.

    API Gateway does not tell a function that its client went away: the stream of a broken connection would hold its
    place for the rest of its life. So where all places are held, a client that resumes takes its own oldest one. That
    stream must have been open for a while: a client with one window too many would else close its others all the time.
    """
    if len(held) < limit:
        return []
    settled = clock.epoch() - SETTLED
    mine = sorted((lease.since, id_) for id_, lease in held.items() if lease.owner == owner and lease.since <= settled)
    if not mine or len(held) > limit:
        raise FullError(f"{limit} live streams are open, as many as the plan allows")
    return [mine[0][1]]


def catch_up(subscription: Subscription) -> str:
    """The whole answer for a client without a place: what it missed, and when to come again.

    It tells the client's new place, so the next answer, or a live stream, goes on there without a gap.
    """
    telemetry.metric("StreamBuffered")
    start = subscription.start
    batch = subscription.source.read(start.after, _MOST)
    frames: list[bytes] = []
    place = shown = start.after
    size = taken = 0
    for entry in batch.entries:
        if size >= _LONGEST:
            break
        place, taken = entry.place, taken + 1
        if subscription.selection.takes(entry):
            frames.append(entry.frame)
            size, shown = size + len(entry.frame), place
    is_behind = taken < len(batch.entries) or len(batch.entries) == _MOST
    retry = round(chance.between(*(_RETRY_MS_BEHIND if is_behind else _RETRY_MS)))
    parts = [sse.opening(retry, None if start.resumed else start.after), *frames]
    if place > shown:
        parts.append(sse.mark(place))
    if batch.last_block is not None and not is_behind:
        parts.append(batch.last_block)
    else:
        parts.append(sse.ending(f"{subscription.full}; come again"))
    return b"".join(parts).decode()


def renew(subscriptions: Iterable[Subscription]) -> set[str]:
    """Keep streams open. Returns the ids of those whose place is no longer theirs."""
    held: dict[str, list[str]] = defaultdict(list)
    for one in subscriptions:
        held[store.key_of_org(one.org_id)].append(one.id)
        if one.shard:
            held[one.shard].append(one.id)
    return {lost for item, stream_ids in held.items() for lost in store.renew(item, stream_ids)}


def release(subscription: Subscription) -> None:
    """A stream was closed."""
    store.release(store.key_of_org(subscription.org_id), subscription.id)
    if subscription.shard:
        store.release(subscription.shard, subscription.id)
