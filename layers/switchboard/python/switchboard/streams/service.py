"""Opens streams: chooses the start and takes a place. A client without a place gets the missed entries at once."""

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

#: The maximum number of attempts to take a place while other streams win. After them the response ends at once.
_ATTEMPTS = 3
#: The age in seconds at which a resumed stream of the same client may replace a stream. See `_replaced`.
SETTLED = 120

#: The maximum number of entries in a response that ends at once, shown or not, and its approximate maximum in bytes.
_MOST, _LONGEST = 500, 256 * 1024
#: The range of the client's retry delay in milliseconds: after such a response, and if more entries wait already.
_RETRY_MS, _RETRY_MS_BEHIND = (4_000, 8_000), (500, 1_500)


def watch_events(
    caller: Caller, guard: Guard, *, channel: str | None, agent_id: str | None, last_seen: int | None, address: str
) -> Subscription:
    """Open a stream of the organization's events. An agent key sees its own agent's events.

    Raises NotFound for an agent of another organization. For an agent key, raises NotFound for every other agent.
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
    """Open a stream of a source for a client that the guard has admitted.

    The stream is live if the organization and its plan's pool have a place. Otherwise `full` gives the reason, and
    `catch_up` makes the response. `client` identifies the client, so that its new stream can replace an old one.
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
        # The rate limit of the request runs in the background, and the first write waits for its result.
        raise
    except Exception:  # noqa: BLE001 without the table no client gets a place, but every client still gets events
        telemetry.metric("StreamLimiterDown")
        telemetry.logger().warning("the streams' leases cannot be reached", exc_info=True)
        full = "the limit of open streams cannot be checked at the moment"
    return Subscription(stream_id, organisation.id, source, guard, selection, start, shard, full)


class FullError(Exception):
    """There is no place for another live stream. The text names the limit."""


def limit_of(organisation: Organisation) -> int:
    """Return the maximum number of live streams of an organization: the negotiated limit, or else the plan's."""
    agreed = organisation.limits.get("open_streams", pools.OPEN_STREAMS[organisation.plan])
    return settings.number("OPEN_STREAMS", agreed)


def _take(organisation: Organisation, stream_id: str, owner: str, *, resumed: bool) -> str:
    """Take a place of the organization and a place of its plan's pool. Returns the pool's item."""
    limit, own, shards = limit_of(organisation), store.key_of_org(organisation.id), pools.shards(organisation.plan)
    for _ in range(_ATTEMPTS):
        # One read decides, so a refusal costs no write.
        known, *places = store.leases([own, *(shard.id for shard in shards)])
        gone = _replaced(store.running(known), limit, owner if resumed else None)
        held = dict(zip(shards, places, strict=True))
        shard = pools.choose({one: list(store.running(found).values()) for one, found in held.items()}, organisation.id)
        if shard is None:
            raise FullError(f"all live streams of the {organisation.plan} plan are in use")
        if not store.take(own, stream_id, owner, limit, known, gone):
            continue
        if store.take(shard.id, stream_id, organisation.id, shard.places, held[shard]):
            return shard.id
        store.release(own, stream_id)
    raise FullError("too many streams are being opened at the same time")


def _replaced(held: dict[str, Lease], limit: int, owner: str | None) -> list[str]:
    """Return the streams that a new stream replaces. Raises FullError if there is no room.

    API Gateway does not tell a function that the client has disconnected. So the stream of a broken connection keeps
    its place until its end. If all places are taken, a client that resumes replaces its own oldest stream. That stream
    must have been open for `SETTLED` seconds. Otherwise a client with too many windows would close them in turn.
    """
    if len(held) < limit:
        return []
    settled = clock.epoch() - SETTLED
    mine = sorted((lease.since, id_) for id_, lease in held.items() if lease.owner == owner and lease.since <= settled)
    if not mine or len(held) > limit:
        raise FullError(f"the limit of {limit} open live streams is reached")
    return [mine[0][1]]


def catch_up(subscription: Subscription) -> str:
    """Return the whole response for a client without a place: the missed entries, and the time of its next request.

    The response contains the client's new place. So the next response or live stream continues there without a gap.
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
        parts.append(sse.ending(f"{subscription.full}; connect again"))
    return b"".join(parts).decode()


def renew(subscriptions: Iterable[Subscription]) -> set[str]:
    """Renew the leases of open streams. Returns the ids of streams that have lost their place."""
    held: dict[str, list[str]] = defaultdict(list)
    for one in subscriptions:
        held[store.key_of_org(one.org_id)].append(one.id)
        if one.shard:
            held[one.shard].append(one.id)
    return {lost for item, stream_ids in held.items() for lost in store.renew(item, stream_ids)}


def release(subscription: Subscription) -> None:
    """Release the places of a closed stream."""
    store.release(store.key_of_org(subscription.org_id), subscription.id)
    if subscription.shard:
        store.release(subscription.shard, subscription.id)
