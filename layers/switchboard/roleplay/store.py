"""Sessions and practice calls in the `activity` table, and a tenant's drills in `core`.

| item | pk | sk |
|---|---|---|
| session | `<org>#session#<id>` | `session` |
| call | `<org>#roleplay#<id>` | `call` |
| turn | `<org>#roleplay#<id>` | `turn#<number>` |
| score | `<org>#roleplay#<id>` | `score` |
| drills switched off | `<org>` in `core` | `drills` |

Turns are separate items, so a report of a turn does not write the call. A call enters the lists when it is scored, at
its end time: all calls (gsi2), calls of a rep (gsi1), of an agency (gsi3) and of both (gsi4). External ids are stored
as digests, because a key has a maximum length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import Put, Update
from switchboard.kit import clock, texts
from switchboard.kit.spoken_times import limit_times
from switchboard.persistence.collection import Collection
from switchboard.persistence.listing import Listing, ListPage, ListView, place_of
from switchboard.persistence.optimistic import AlreadyRecordedError
from switchboard.roleplay.judges.models import PracticeTurn
from switchboard.roleplay.models import (
    RoleplayCall,
    RoleplaySession,
    RoleplayState,
    Score,
    ScoredCall,
    ScoredCallFilter,
)


class RecordedTurns(NamedTuple):
    """The numbers of a call's recorded turns, and the time of the latest."""

    numbers: frozenset[int]
    at: str | None

    @property
    def turns(self) -> int:
        """The number of turns."""
        return len(self.numbers)


SCORED_CALLS = Listing(
    "activity",
    "scored",
    (
        ListView(index="gsi2"),
        ListView(index="gsi1", by=("user",)),
        ListView(index="gsi3", by=("agency",)),
        ListView(index="gsi4", by=("agency", "user")),
    ),
)


def _session_key(org_id: str, session_id: str) -> Key:
    return {"pk": f"{org_id}#session#{session_id}", "sk": "session"}


def _key(org_id: str, call_id: str) -> Key:
    return {"pk": _partition(org_id, call_id), "sk": "call"}


def _partition(org_id: str, call_id: str) -> str:
    return f"{org_id}#roleplay#{call_id}"


def _lists(call: RoleplayCall) -> Item:
    if call.state is not RoleplayState.SCORED or call.ended_at is None:
        return {}
    values = {"user": _digest(call.external_user_id), "agency": _digest(call.external_agency_id)}
    return SCORED_CALLS.index_attributes(call.org_id, place_of(call.ended_at, call.id), values)


def _digest(outside_id: str | None) -> str | None:
    return None if outside_id is None else texts.digest(outside_id)


SESSIONS = Collection("activity", RoleplaySession, _session_key)
CALLS = Collection("activity", RoleplayCall, _key, _lists)


def find_call(org_id: str, call_id: str) -> RoleplayCall | None:
    """Returns a call of an organization in any state, or `None`. For workers."""
    return CALLS.get_object(org_id, call_id)


def find_calls(places: Sequence[tuple[str, str]]) -> list[RoleplayCall | None]:
    """Returns the calls of up to 100 pairs of organization and call id, in the given order. For workers."""
    return CALLS.get_objects(places)


def score_write(call: RoleplayCall, score: Score) -> Put:
    return Put(table="activity", item={**_key(call.org_id, call.id), "sk": "score", **score.model_dump(mode="json")})


def get_scored_call(org_id: str, call_id: str) -> ScoredCall | None:
    """Returns a call with its transcript and score, in one query, or `None` without a score."""
    items = {item["sk"]: item for item in Query(table="activity", partition=_partition(org_id, call_id)).read_all()}
    if "call" not in items or "score" not in items:
        return None
    score = Score.model_validate(items["score"])
    turns = [PracticeTurn.model_validate(item) for sk, item in items.items() if sk.startswith("turn#")]
    if score.heard is not None:
        turns = [turn for turn in turns if turn.number in score.heard]
    call = CALLS.from_item(items["call"])
    return ScoredCall(call=call, turns=list(limit_times(turns, call.length)), score=score)


def list_scored_calls(org_id: str, listed: ScoredCallFilter, limit: int, after: str | None) -> ListPage:
    asked = {"user": _digest(listed.external_user_id), "agency": _digest(listed.external_agency_id)}
    wanted = {name: [digest] for name, digest in asked.items() if digest is not None}
    return SCORED_CALLS.read_page(org_id, wanted, limit, after, since=listed.start, until=listed.end)


def turn_write(call: RoleplayCall, turn: PracticeTurn) -> Put:
    place = {"pk": _partition(call.org_id, call.id), "sk": f"turn#{turn.number:05d}"}
    item = {**place, **turn.model_dump(mode="json"), "heard_at": clock.now_iso()}
    return Put(table="activity", item=item, unless_exists=True, otherwise=AlreadyRecordedError)


def list_turns(org_id: str, call_id: str) -> list[PracticeTurn]:
    query = Query(table="activity", partition=_partition(org_id, call_id), begins="turn#")
    return [PracticeTurn.model_validate(item) for item in query.read_all()]


def get_recorded_turns(org_id: str, call_id: str) -> RecordedTurns:
    query = Query(table="activity", partition=_partition(org_id, call_id), begins="turn#")
    items = list(query.read_all())
    return RecordedTurns(
        frozenset(int(item["number"]) for item in items), max((str(item["heard_at"]) for item in items), default=None)
    )


def drill_switches_ref(org_id: str) -> Ref[frozenset[str]]:
    """Returns the reference to the keys of the drills that an organization has switched off."""
    return Ref("core", {"pk": org_id, "sk": "drills"}, lambda item: frozenset(item.get("off") or ()))


def get_switched_off(org_id: str) -> frozenset[str]:
    return reads.read_ref(drill_switches_ref(org_id)) or frozenset()


def drill_switch_write(org_id: str, drills: Iterable[str], *, on: bool) -> Update:
    """Returns the write that switches drills on or off. It changes a set, so parallel changes do not conflict."""
    return Update(
        table="core",
        key=drill_switches_ref(org_id).key,
        expression=f"{'DELETE' if on else 'ADD'} #off :drills",
        names={"#off": "off"},
        values={":drills": set(drills)},
    )
