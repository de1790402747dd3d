"""The pace of a campaign in the `core` table (`campaigns.pace`).

| item | pk | sk |
|---|---|---|
| pace | `<org>#campaign#<id>#pace` | `pace` |

One item has the lanes of a launch. A lane's attributes have its number in their names, so that a turn writes only its
own: `t7` is the turn of lane 7.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Ref
from switchboard.aws.writes import ConditionFailedError, Put, Update, write_item
from switchboard.campaigns import store
from switchboard.campaigns.pace import CampaignLane, CampaignPace, Grant, LaneTurn, Stale, Wait, decide_grant
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict

#: The attribute of each fact of a lane.
_NAMES = {"turn": "t", "tokens": "k", "due": "x", "start": "s", "rows": "n", "deadline": "d", "end": "e"}


class PaceBusyError(RuntimeError):
    """Another worker begins the same launch. The queue tries again."""


def _pace_key(org_id: str, campaign_id: str) -> Key:
    return {"pk": f"{store.campaign_partition(org_id, campaign_id)}#pace", "sk": "pace"}


def pace_ref(org_id: str, campaign_id: str) -> Ref[CampaignPace]:
    """Returns the reference to the pace of a campaign. There is none before its first launch has begun."""
    return Ref("core", _pace_key(org_id, campaign_id), _parse)


def _parse(item: Item) -> CampaignPace:
    lanes = tuple(_lane(item, place) for place in range(int(item["lanes"])))
    return CampaignPace(int(item["launch"]), int(item["limit"]), int(item["next"]), lanes)


def _lane(item: Item, place: int) -> CampaignLane:
    facts: dict[str, Any] = {name: item[f"{short}{place}"] for name, short in _NAMES.items()}
    return CampaignLane(**facts | {"due": tuple(int(index) for index in facts["due"])})


def _attributes(place: int, lane: CampaignLane) -> Item:
    return {f"{short}{place}": getattr(lane, name) for name, short in _NAMES.items()}


def store_launch(org_id: str, campaign_id: str, pace: CampaignPace) -> bool:
    """Stores the beginning of a launch. Returns whether it succeeded: this launch or a later one may have begun."""
    item: Item = {
        **_pace_key(org_id, campaign_id),
        "launch": pace.launch,
        "limit": pace.limit,
        "next": pace.next_index,
        "lanes": len(pace.lanes),
    }
    for place, lane in enumerate(pace.lanes):
        item |= _attributes(place, lane)
    begin = Put(
        table="core",
        item=item,
        condition="attribute_not_exists(pk) OR launch < :launch",
        values={":launch": pace.launch},
    )
    try:
        write_item(begin)
    except ConditionFailedError:
        return False
    return True


def take_grant(
    org_id: str, campaign_id: str, pace: CampaignPace, turn: LaneTurn, now: int, total: int, due: tuple[int, ...]
) -> tuple[Grant | Wait | Stale, CampaignPace]:
    """Takes a turn by one conditional write. `pace` is the state as it was read.

    Returns the decision with the state after it. The write fails if another worker has the turn, or if other turns have
    taken so many recipients that too few are left. Then the new state decides. Raises Contended if that goes on.
    """
    state = pace

    def attempt() -> tuple[Grant | Wait | Stale, CampaignPace]:
        nonlocal state
        decision = decide_grant(state, turn, now, total, due)
        if not isinstance(decision, Grant):
            return decision, state
        try:
            item = write_item(_grant_write(org_id, campaign_id, state, turn, decision, total))
        except ConditionFailedError as failed:
            if failed.item is None:
                return Stale(), state
            state = _parse(failed.item)
            raise StaleVersionError from failed
        assert item, "an update returns the new item"
        after = _parse(item)
        return replace(decision, lane=after.lanes[turn.lane]), after

    found = retry_on_conflict(attempt)
    assert found, "an attempt records nothing"
    return found


def _grant_write(org_id: str, campaign_id: str, pace: CampaignPace, turn: LaneTurn, grant: Grant, total: int) -> Update:
    before, place = pace.lanes[turn.lane], turn.lane
    values = {f":{name}": value for name, value in _attributes(place, grant.lane).items()}
    sets = [f"#{name} = :{name}" for name in _attributes(place, grant.lane)]
    names = {f"#{name}": name for name in _attributes(place, grant.lane)} | {"#launch": "launch"}
    condition = f"#launch = :launch AND #t{place} = :turn AND #d{place} = :deadline"
    values |= {":launch": pace.launch, ":turn": before.turn, ":deadline": before.deadline}
    if grant.takes:
        # The start is where the list is at the moment of the write.
        sets.remove(f"#s{place} = :s{place}")
        del values[f":s{place}"]
        sets += [f"#s{place} = #next", "#next = #next + :takes"]
        names["#next"] = "next"
        values |= {":takes": grant.takes, ":room": total - grant.takes}
        condition += " AND #next <= :room"
    return Update(
        table="core",
        key=_pace_key(org_id, campaign_id),
        expression="SET " + ", ".join(sets),
        names=names,
        values=values,
        condition=condition,
    )


def store_end(org_id: str, campaign_id: str, turn: LaneTurn, grant: Grant, after: CampaignLane) -> bool:
    """Stores the end of a turn. Returns whether it succeeded: a later launch may have begun."""
    place = turn.lane
    attributes = _attributes(place, after)
    change = Update(
        table="core",
        key=_pace_key(org_id, campaign_id),
        expression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
        names={f"#{name}": name for name in attributes} | {"#launch": "launch"},
        values={f":{name}": value for name, value in attributes.items()}
        | {":launch": turn.launch, ":turn": turn.number, ":deadline": grant.deadline},
        condition=f"#launch = :launch AND #t{place} = :turn AND #d{place} = :deadline",
    )
    try:
        write_item(change)
    except ConditionFailedError:
        return False
    return True
