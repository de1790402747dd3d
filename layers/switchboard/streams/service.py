"""Opens streams: chooses the start and takes a place. A client without a place gets the missed entries at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from switchboard import telemetry
from switchboard.accounts.models import Organization
from switchboard.errors import RateLimited
from switchboard.kit import chance, clock, ids, settings, texts
from switchboard.streams import pools, sse, store
from switchboard.streams.guard import StreamGuard
from switchboard.streams.models import Selection, StreamSubscription
from switchboard.streams.pools import StreamFunction, StreamLease
from switchboard.streams.source import StreamSource

#: The maximum number of attempts to take a place while other streams win. After them the response ends at once.
_MAX_ATTEMPTS = 3
#: The age in seconds at which a resumed stream of the same client may replace a stream. See `_streams_to_replace`.
REPLACEABLE_AFTER_SECONDS = 120

#: The maximum number of entries in a response that ends at once, shown or not, and its approximate maximum in bytes.
_MAX_ENTRIES, _MAX_BYTES = 500, 256 * 1024
#: The range of the client's retry delay in milliseconds: after such a response, and if more entries wait already.
_RETRY_MS, _RETRY_MS_BEHIND = (4_000, 8_000), (500, 1_500)


def open_stream(
    organization: Organization,
    source: StreamSource,
    guard: StreamGuard,
    selection: Selection,
    *,
    last_seen: int | None,
    client: str,
    function: StreamFunction = StreamFunction.EVENTS,
    one_view: bool = False,
) -> StreamSubscription:
    """Opens a stream of a source for a client that the guard has admitted.

    The stream is live if the organization and its plan's pool have a place. Otherwise `full` gives the reason, and
    `render_missed_entries` makes the response. `client` identifies the client, so that its new stream can replace an
    old one. With `one_view` the client looks at one source after the other: its new stream may replace an old stream of
    another source.
    """
    start = source.find_start(last_seen)
    stream_id = ids.new_id("str")
    owner = texts.digest(f"{client} one view" if one_view else f"{client} {source.id} {selection.wanted}")[:16]
    # A client that looks at another source has left the one before. A client that resumes may only have one window too
    # many.
    replaceable_after = REPLACEABLE_AFTER_SECONDS if start.resumed else 0 if one_view else None
    shard, full = None, None
    try:
        shard = _take_places(organization, stream_id, owner, function, replaceable_after)
    except NoPlaceError as error:
        full = str(error)
    except RateLimited:
        # The rate limit of the request runs in the background, and the first write waits for its result.
        raise
    except Exception:  # noqa: BLE001 without the table no client gets a place, but every client still gets events
        telemetry.emit_metric("StreamLimiterDown")
        telemetry.logger().warning("the streams' leases cannot be reached", exc_info=True)
        full = "the limit of open streams cannot be checked at the moment"
    return StreamSubscription(stream_id, organization.id, source, guard, selection, start, shard, full)


class NoPlaceError(Exception):
    """There is no place for another live stream. The text names the limit."""


def max_open_streams(organization: Organization) -> int:
    """Returns the maximum number of live streams of an organization: the negotiated limit, or else the plan's."""
    agreed = organization.limits.get("open_streams", pools.MAX_OPEN_STREAMS[organization.plan])
    return settings.number("OPEN_STREAMS", agreed)


def _take_places(
    organization: Organization, stream_id: str, owner: str, function: StreamFunction, replaceable_after: int | None
) -> str:
    """Takes a place of the organization and a place of its plan's pool. Returns the pool's item.

    A stream of the same owner that is `replaceable_after` seconds old gives its place up. `None` replaces no stream.
    """
    limit, own, shards = (
        max_open_streams(organization),
        store.organization_item_id(organization.id),
        pools.shards_of_plan(organization.plan, function),
    )
    for _ in range(_MAX_ATTEMPTS):
        # One read decides, so a refusal costs no write.
        known, *places = store.get_leases([own, *(shard.id for shard in shards)])
        gone = _streams_to_replace(store.running_leases(known), limit, owner, replaceable_after)
        held = dict(zip(shards, places, strict=True))
        shard = pools.choose_shard(
            {one: list(store.running_leases(found).values()) for one, found in held.items()}, organization.id
        )
        if shard is None:
            raise NoPlaceError(f"all live streams of the {organization.plan} plan are in use")
        if not store.take_lease(own, stream_id, owner, limit, known, gone):
            continue
        if store.take_lease(shard.id, stream_id, organization.id, shard.places, held[shard]):
            return shard.id
        store.release_lease(own, stream_id)
    raise NoPlaceError("too many streams are being opened at the same time")


def _streams_to_replace(
    held: dict[str, StreamLease], limit: int, owner: str, replaceable_after: int | None
) -> list[str]:
    """Returns the streams that a new stream replaces. Raises NoPlaceError if there is no room.

    API Gateway does not tell a function that the client has disconnected. So the stream of a broken connection keeps
    its place until its end. If all places are taken, a client that resumes replaces its own oldest stream. That stream
    must have been open for `REPLACEABLE_AFTER_SECONDS`. Otherwise a client with too many windows would close them in
    turn. A person who looks at one call after the other replaces the oldest stream at once.
    """
    if len(held) < limit:
        return []
    mine = []
    if replaceable_after is not None:
        settled = clock.epoch() - replaceable_after
        mine = sorted((one.since, id_) for id_, one in held.items() if one.owner == owner and one.since <= settled)
    if not mine or len(held) > limit:
        raise NoPlaceError(f"the limit of {limit} open live streams is reached")
    return [mine[0][1]]


def render_missed_entries(subscription: StreamSubscription) -> str:
    """Returns the whole response for a client without a place: the missed entries, and the time of its next request.

    The response contains the client's new place. So the next response or live stream continues there without a gap.
    """
    telemetry.emit_metric("StreamBuffered")
    start = subscription.start
    batch = subscription.source.read_entries(start.after, _MAX_ENTRIES)
    frames: list[bytes] = []
    place = shown = start.after
    size = taken = 0
    for entry in batch.entries:
        if size >= _MAX_BYTES:
            break
        place, taken = entry.place, taken + 1
        if subscription.selection.selects(entry):
            frames.append(entry.frame)
            size, shown = size + len(entry.frame), place
    is_behind = taken < len(batch.entries) or len(batch.entries) == _MAX_ENTRIES
    retry = round(chance.between(*(_RETRY_MS_BEHIND if is_behind else _RETRY_MS)))
    parts = [sse.opening_block(retry, None if start.resumed else start.after), start.opening, *frames]
    if place > shown:
        parts.append(sse.place_block(place))
    if batch.last_block is not None and not is_behind:
        parts.append(batch.last_block)
    else:
        parts.append(sse.ending_block(f"{subscription.full}; connect again"))
    return b"".join(parts).decode()


def renew_streams(subscriptions: Iterable[StreamSubscription]) -> set[str]:
    """Renews the leases of open streams. Returns the ids of streams that have lost their place."""
    held: dict[str, list[str]] = defaultdict(list)
    for one in subscriptions:
        held[store.organization_item_id(one.org_id)].append(one.id)
        if one.shard:
            held[one.shard].append(one.id)
    return {lost for item, stream_ids in held.items() for lost in store.renew_leases(item, stream_ids)}


def release_stream(subscription: StreamSubscription) -> None:
    """Releases the places of a closed stream."""
    store.release_lease(store.organization_item_id(subscription.org_id), subscription.id)
    if subscription.shard:
        store.release_lease(subscription.shard, subscription.id)
