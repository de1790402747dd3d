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

from collections.abc import Iterable
from typing import NamedTuple

from switchboard.aws import clock, secret, table
from switchboard.aws.table import Item, Key, Put, Query, Update
from switchboard.kit.change import Recorded
from switchboard.kit.collection import Collection
from switchboard.kit.listing import Listing, Page, View, place_of
from switchboard.roleplay.judges.models import Turn
from switchboard.roleplay.models import Call, Detail, Listed, Score, Session, State


class Heard(NamedTuple):
    """The numbers of a call's recorded turns, and the time of the latest."""

    numbers: frozenset[int]
    at: str | None

    @property
    def turns(self) -> int:
        """The number of turns."""
        return len(self.numbers)


LISTING = Listing(
    "activity",
    "scored",
    (
        View(index="gsi2"),
        View(index="gsi1", by=("user",)),
        View(index="gsi3", by=("agency",)),
        View(index="gsi4", by=("agency", "user")),
    ),
)


def _session_key(org_id: str, session_id: str) -> Key:
    return {"pk": f"{org_id}#session#{session_id}", "sk": "session"}


def _key(org_id: str, call_id: str) -> Key:
    return {"pk": _partition(org_id, call_id), "sk": "call"}


def _partition(org_id: str, call_id: str) -> str:
    return f"{org_id}#roleplay#{call_id}"


def _lists(call: Call) -> Item:
    if call.state is not State.SCORED or call.ended_at is None:
        return {}
    values = {"user": _digest(call.external_user_id), "agency": _digest(call.external_agency_id)}
    return LISTING.attributes(call.org_id, place_of(call.ended_at, call.id), values)


def _digest(outside_id: str | None) -> str | None:
    return None if outside_id is None else secret.digest(outside_id)


SESSIONS = Collection("activity", Session, _session_key)
CALLS = Collection("activity", Call, _key, _lists)


def put_score(call: Call, score: Score) -> Put:
    return Put(table="activity", item={**_key(call.org_id, call.id), "sk": "score", **score.model_dump(mode="json")})


def detail(org_id: str, call_id: str) -> Detail | None:
    """Return a call with its transcript and score, in one query, or `None` without a score."""
    items = {item["sk"]: item for item in Query(table="activity", partition=_partition(org_id, call_id)).all()}
    if "call" not in items or "score" not in items:
        return None
    score = Score.model_validate(items["score"])
    turns = [Turn.model_validate(item) for sk, item in items.items() if sk.startswith("turn#")]
    if score.heard is not None:
        turns = [turn for turn in turns if turn.number in score.heard]
    return Detail(call=CALLS.read(items["call"]), turns=turns, score=score)


def page(org_id: str, listed: Listed, limit: int, after: str | None) -> Page:
    asked = {"user": _digest(listed.external_user_id), "agency": _digest(listed.external_agency_id)}
    wanted = {name: [digest] for name, digest in asked.items() if digest is not None}
    return LISTING.page(org_id, wanted, limit, after, since=listed.start, until=listed.end)


def put_turn(call: Call, turn: Turn) -> Put:
    place = {"pk": _partition(call.org_id, call.id), "sk": f"turn#{turn.number:05d}"}
    item = {**place, **turn.model_dump(mode="json"), "heard_at": clock.stamp()}
    return Put(table="activity", item=item, unless_exists=True, otherwise=Recorded)


def turns(org_id: str, call_id: str) -> list[Turn]:
    query = Query(table="activity", partition=_partition(org_id, call_id), begins="turn#")
    return [Turn.model_validate(item) for item in query.all()]


def heard(org_id: str, call_id: str) -> Heard:
    query = Query(table="activity", partition=_partition(org_id, call_id), begins="turn#")
    items = list(query.all())
    return Heard(
        frozenset(int(item["number"]) for item in items), max((str(item["heard_at"]) for item in items), default=None)
    )


def drills_key(org_id: str) -> Key:
    return {"pk": org_id, "sk": "drills"}


def switched_off(item: Item | None) -> set[str]:
    """Return the keys of the drills that a stored item switches off."""
    return set((item or {}).get("off") or ())


def get_drills(org_id: str) -> Item | None:
    return table.get("core", drills_key(org_id))


def switch_drills(org_id: str, drills: Iterable[str], *, on: bool) -> Update:
    """Return the write that switches drills on or off. It changes a set, so parallel changes do not conflict."""
    return Update(
        table="core",
        key=drills_key(org_id),
        expression=f"{'DELETE' if on else 'ADD'} #off :drills",
        names={"#off": "off"},
        values={":drills": set(drills)},
    )
