"""The simulated provider's records of its calls, in the `activity` table.

| item | pk | sk |
|---|---|---|
| leg | `<org>#simulated-call#<call>` | `leg` |
| talk | `<org>#simulated-call#<call>` | `talk` |

Both expire after a day, because most providers also keep their records for a while.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from switchboard.aws import reads, writes
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.writes import ConditionFailedError, Put, Update
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.carriers.voice.simulator.course import Step, TalkScript
from switchboard.kit import clock

_KEPT_FOR = timedelta(days=1)


class LegState(BaseModel):
    """A call at the simulated line. `played` counts the finished steps of its course."""

    model_config = ConfigDict(frozen=True)

    org_id: str
    call_id: str
    leg_id: str
    conversation_id: str | None = None
    to_number: str
    course: list[Step]
    step_seconds: int
    #: The beginning of the course.
    placed_at: str
    sequence: int = 0
    played: int = 0
    over: bool = False
    answered_at: str | None = None
    ended_at: str | None = None
    end_reason: EndReason | None = None
    duration_seconds: int | None = None
    #: Whether our side hung up: the rest of the course does not happen.
    hung_up: bool = False
    record: bool = False
    #: The result of the talk's later analysis.
    outcome: str
    summary: str


def _key(org_id: str, call_id: str, what: str) -> Key:
    return {"pk": f"{org_id}#simulated-call#{call_id}", "sk": what}


def _expires() -> int:
    return int((clock.now() + _KEPT_FOR).timestamp())


def save_leg(leg: LegState) -> None:
    known = leg.model_dump(mode="json", exclude={"course"}, exclude_none=True)
    course = json.dumps([step.model_dump(mode="json") for step in leg.course])
    writes.write_item(
        Put(
            table="activity",
            item={**_key(leg.org_id, leg.call_id, "leg"), **known, "course": course, "expires": _expires()},
        )
    )


def get_leg(org_id: str, call_id: str) -> LegState | None:
    return _read(reads.get_item("activity", _key(org_id, call_id, "leg")))


def _read(item: Item | None) -> LegState | None:
    return LegState.model_validate(item | {"course": json.loads(item["course"])}) if item else None


def advance_leg(org_id: str, call_id: str, facts: dict[str, Any]) -> LegState | None:
    """Stores facts about a call and takes its next sequence number. Returns the call, or `None` if it was over."""
    names = {f"#{name}": name for name in ("sequence", "over", *facts)}
    changes = ", ".join(f"#{name} = :{name}" for name in facts)
    try:
        found = writes.write_item(
            Update(
                table="activity",
                key=_key(org_id, call_id, "leg"),
                expression=(f"SET {changes} " if changes else "") + "ADD #sequence :one",
                names=names,
                values={":one": 1, ":no": False} | {f":{name}": value for name, value in facts.items()},
                condition="#over = :no",
            )
        )
    except ConditionFailedError:
        return None
    return _read(found)


def save_talk(org_id: str, call_id: str, conversation_id: str, talk: TalkScript) -> None:
    kept = {"conversation_id": conversation_id, "talk": talk.model_dump_json(), "expires": _expires()}
    writes.write_item(Put(table="activity", item={**_key(org_id, call_id, "talk"), **kept}))


def get_talk(org_id: str, call_id: str) -> TalkScript | None:
    item = reads.get_item("activity", _key(org_id, call_id, "talk"))
    return TalkScript.model_validate_json(item["talk"]) if item else None
