"""Who may watch what, from where on, and how many at once."""

from __future__ import annotations

from collections.abc import Sequence

from switchboard import telemetry
from switchboard.accounts.models import Caller, Organisation
from switchboard.accounts.plans import PlanName
from switchboard.agents import service as agents
from switchboard.audit import service as audit
from switchboard.aws import ids, secret, session, settings
from switchboard.errors import NotFound, RateLimited
from switchboard.streams import store, view
from switchboard.streams.models import Entry, Selection, Subscription

#: Streams that an organisation may have open at once, by plan. Behind Lambda each is an environment of its own.
OPEN_STREAMS = {
    PlanName.FREE: 5,
    PlanName.STARTER: 10,
    PlanName.GROWTH: 20,
    PlanName.SCALE: 50,
    PlanName.ENTERPRISE: 100,
}
_RETRY_AFTER = 30


def subscribe(
    caller: Caller, *, channel: str | None, agent_id: str | None, last_seen: int | None, address: str
) -> Subscription:
    """Grant a stream of the organisation's events; an agent key sees its own agent's.

    It goes on behind `last_seen`, or behind the end of the chain when that is not given, or is a number that the chain
    never reached: then it is another deployment's, and waiting for it would pass over everything until then. Raises
    NotFound for another's agent, RateLimited where as many streams are open as the plan allows.
    """
    selection = Selection(agent_id=_watched(caller, agent_id), channel=channel)
    head = audit.head(caller.org_id).seq
    resumed = last_seen is not None and _was_given(caller.org_id, last_seen, head)
    subscription = Subscription(
        id=ids.new("str"),
        org_id=caller.org_id,
        key_id=caller.key.id,
        selection=selection,
        after=last_seen if resumed and last_seen is not None else head,
        head=head,
        resumed=resumed,
    )
    _take(subscription, caller.organisation, address)
    return subscription


def _watched(caller: Caller, agent_id: str | None) -> str | None:
    if caller.is_master:
        return agents.get(caller.org_id, agent_id).id if agent_id is not None else None
    if agent_id not in (None, caller.agent_id):
        raise NotFound("There is no such agent.")
    return caller.agent_id


def _was_given(org_id: str, last_seen: int, head: int) -> bool:
    # A transaction is seen item by item: a link may be there, and have been streamed, a moment before the head moves.
    return last_seen <= head or bool(read(org_id, last_seen - 1, 1))


def limit_of(organisation: Organisation) -> int:
    """How many streams an organisation may have open: what was agreed on, else the plan's number."""
    agreed = organisation.limits.get("open_streams", OPEN_STREAMS[organisation.plan])
    return settings.number("OPEN_STREAMS", agreed)


def _take(subscription: Subscription, organisation: Organisation, address: str) -> None:
    wanted = subscription.selection
    owner = secret.digest(f"{subscription.key_id} {address} {wanted.agent_id} {wanted.channel}")[:16]
    limit = limit_of(organisation)
    try:
        store.take(subscription.org_id, subscription.id, owner, limit, resumed=subscription.resumed)
    except store.FullError:
        raise RateLimited(
            f"The plan allows {limit} open streams.",
            code="open_streams",
            limit=limit,
            remaining=0,
            retry_after=_RETRY_AFTER,
        ) from None
    except RateLimited:
        # The request's own limits, which `store.take` waited for.
        raise
    except Exception as error:
        if session.throttled(error):
            # So many are being opened at once that nobody can count them.
            raise RateLimited(
                "Too many streams are being opened at once. Wait, then try again.",
                code="open_streams",
                limit=limit,
                remaining=0,
                retry_after=1,
            ) from error
        # A limiter that is away does not take the stream with it.
        telemetry.metric("StreamLimiterDown")
        telemetry.logger().warning("stream limiter unavailable", exc_info=True)


def read(org_id: str, after: int, limit: int) -> list[Entry]:
    """The organisation's events behind a `seq`, in order and without a gap."""
    entries: list[Entry] = []
    for document in audit.export(org_id, after, limit):
        if document["seq"] != after + len(entries) + 1:
            # A query may see a transaction half done: what is missing here is there at the next look.
            break
        entries.append(view.entry(document))
    return entries


def renew(org_id: str, stream_ids: Sequence[str]) -> set[str]:
    """Keep streams open. Answers those whose place another has taken."""
    return store.renew(org_id, stream_ids)


def release(subscription: Subscription) -> None:
    """A stream was closed."""
    store.release(subscription.org_id, subscription.id)
