"""Sessions and practice calls in the `activity` table, and a tenant's own catalogue in `core`.

| item | pk | sk | gsi1 | gsi2 |
|---|---|---|---|---|
| session | `<org>#session#<id>` | `session` | | |
| call | `<org>#roleplay#<id>` | `call` | when scored: `<org>#scored#user#<digest>` | `<org>#scored` |
| turn | `<org>#roleplay#<id>` | `turn#<number>` | | |
| score | `<org>#roleplay#<id>` | `score` | | |
| agency's entry | `<org>#roleplay#<id>` | `agency` | `<org>#scored#agency#<digest>` | `…#user#<digest>` behind it |
| drills switched off | `<org>` in `core` | `drills` | | |

A call enters the indexes when it is scored, sorted by `<ended_at>#<id>`, and never changes after that: so the copy in
its agency's entry stays true, and each filter of the list is one partition, read as far as a page goes. Outside ids
are digested, since a key has a length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from switchboard.aws import secret, table
from switchboard.aws.table import Item, Key, Page, Put, Query, Update
from switchboard.kit.change import Recorded
from switchboard.roleplay.models import Call, Detail, Listed, Score, Session, SessionState, Turn

Refusal = Callable[[list[Item | None]], Exception]


def session_key(org_id: str, session_id: str) -> Key:
    return {"pk": f"{org_id}#session#{session_id}", "sk": "session"}


def put_session(session: Session) -> Put:
    item = {**session_key(session.org_id, session.id), **session.model_dump(mode="json")}
    return Put(table="activity", item=item, unless_exists=True)


def move_session(session: Session, before: SessionState, otherwise: Refusal | None = None) -> Put:
    """Write the next version of a session, if it still is where it was."""
    return Put(
        table="activity",
        item={**session_key(session.org_id, session.id), **session.model_dump(mode="json")},
        condition="#state = :before AND version = :version",
        names={"#state": "state"},
        values={":before": before.value, ":version": session.version - 1},
        otherwise=otherwise,
    )


def get_session(org_id: str, session_id: str) -> Session | None:
    item = table.get("activity", session_key(org_id, session_id))
    return Session.model_validate(item) if item else None


def key(org_id: str, call_id: str) -> Key:
    return {"pk": _partition(org_id, call_id), "sk": "call"}


def _partition(org_id: str, call_id: str) -> str:
    return f"{org_id}#roleplay#{call_id}"


def put(call: Call) -> Put:
    return Put(table="activity", item=_item(call), unless_exists=True)


def save(call: Call) -> Put:
    """Write the next version of a call, if it still follows the one that was read."""
    return Put(table="activity", item=_item(call), condition="version = :before", values={":before": call.version - 1})


def _item(call: Call) -> Item:
    return {**key(call.org_id, call.id), **call.model_dump(mode="json")}


def save_scored(call: Call, score: Score) -> list[Put]:
    """Write a call that was scored, with its score, and enter it into the lists."""
    place = f"{call.ended_at}#{call.id}"
    scored = f"{call.org_id}#scored"
    user = f"{scored}#user#{secret.digest(call.external_user_id)}"
    indexed = {"gsi1pk": user, "gsi1sk": place, "gsi2pk": scored, "gsi2sk": place}
    moved = save(call)
    writes = [
        Put(table="activity", item=moved.item | indexed, condition=moved.condition, values=moved.values),
        Put(table="activity", item={**key(call.org_id, call.id), "sk": "score", **score.model_dump(mode="json")}),
    ]
    if call.external_agency_id is not None:
        agency = f"{scored}#agency#{secret.digest(call.external_agency_id)}"
        both = f"{agency}#user#{secret.digest(call.external_user_id)}"
        entry = {"sk": "agency", "gsi1pk": agency, "gsi1sk": place, "gsi2pk": both, "gsi2sk": place}
        writes.append(Put(table="activity", item=moved.item | entry))
    return writes


def get(org_id: str, call_id: str) -> Call | None:
    item = table.get("activity", key(org_id, call_id))
    return Call.model_validate(item) if item else None


def detail(org_id: str, call_id: str) -> Detail | None:
    """A call with its transcript and score, in one query."""
    items = {item["sk"]: item for item in Query(table="activity", partition=_partition(org_id, call_id)).all()}
    if "call" not in items or "score" not in items:
        return None
    return Detail(
        call=Call.model_validate(items["call"]),
        turns=[Turn.model_validate(item) for sk, item in items.items() if sk.startswith("turn#")],
        score=Score.model_validate(items["score"]),
    )


def page(org_id: str, listed: Listed, limit: int, start: Item | None) -> Page:
    index, partition = _list_of(org_id, listed)
    # Behind the last id of a moment: `~` sorts after every character of one.
    span = (listed.start, f"{listed.end or ''}~")
    query = Query(table="activity", index=index, partition=partition, between=span, forward=False)
    # One more than is shown: a page that ends the list has no next one (the contract's `null` on the last page).
    items = query.page(limit + 1, start).items
    last = items[limit - 1] if len(items) > limit else None
    return Page(items[:limit], last and {name: last[name] for name in ("pk", "sk", f"{index}pk", f"{index}sk")})


def _list_of(org_id: str, listed: Listed) -> tuple[str, str]:
    scored = f"{org_id}#scored"
    user = None if listed.external_user_id is None else f"#user#{secret.digest(listed.external_user_id)}"
    if listed.external_agency_id is None:
        return ("gsi2", scored) if user is None else ("gsi1", scored + user)
    agency = f"{scored}#agency#{secret.digest(listed.external_agency_id)}"
    return ("gsi1", agency) if user is None else ("gsi2", agency + user)


def put_turn(call: Call, turn: Turn) -> Put:
    item = {"pk": _partition(call.org_id, call.id), "sk": f"turn#{turn.number:05d}", **turn.model_dump(mode="json")}
    return Put(table="activity", item=item, unless_exists=True, otherwise=Recorded)


def turns(org_id: str, call_id: str) -> list[Turn]:
    query = Query(table="activity", partition=_partition(org_id, call_id), begins="turn#")
    return [Turn.model_validate(item) for item in query.all()]


def drills_key(org_id: str) -> Key:
    return {"pk": org_id, "sk": "drills"}


def switched_off(item: Item | None) -> set[str]:
    """The drills that such an item switches off."""
    return set((item or {}).get("off") or ())


def get_drills(org_id: str) -> Item | None:
    return table.get("core", drills_key(org_id))


def switch_drills(org_id: str, drills: Iterable[str], *, on: bool) -> Update:
    """Switch drills on or off: a set, so that two operators' changes add up."""
    return Update(
        table="core",
        key=drills_key(org_id),
        expression=f"{'DELETE' if on else 'ADD'} #off :drills",
        names={"#off": "off"},
        values={":drills": set(drills)},
    )
