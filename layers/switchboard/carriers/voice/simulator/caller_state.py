"""The simulated callers: calls in that the simulator makes, in the `activity` table.

| item | pk | sk |
|---|---|---|
| caller | `<org>#simulated-call#<call sid>` | `caller` |
| recording | `<org>#simulated-call#<call sid>` | `recording#<recording sid>` |

Both expire after a day, like the simulator's other records.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from switchboard.aws import reads, writes
from switchboard.aws.dynamodb import Key
from switchboard.aws.writes import ConditionFailedError, Put
from switchboard.kit import clock

_KEPT_FOR = timedelta(days=1)


class SimulatedCaller(BaseModel):
    """A caller with the lines that the person says, and the place in the script that our side answered.

    `step` counts the finished steps. `script` has the verbs that are left, as the caller's line reads them.
    """

    model_config = ConfigDict(frozen=True)

    org_id: str
    call_sid: str
    number_id: str
    from_number: str
    to_number: str
    says: list[str]
    #: Whether the person asks to leave a message, and keeps the lines for it.
    leaves_message: bool = False
    #: The number of lines after which the person hangs up.
    hang_up_after: int | None = None
    step_seconds: int = 0
    step: int = 0
    script: list[dict[str, Any]] = []
    #: The number of lines said so far, and of turns in all talks.
    said: int = 0
    turns: int = 0
    at_ms: int = 0
    #: Our call, as the talk's connection names it, and whether a talk goes on.
    call_id: str | None = None
    conversation_id: str | None = None
    talking: bool = False
    #: Whether a recording runs, and its name.
    recording: bool = False
    recording_name: str = "call"
    answered_at: str | None = None
    ended_at: str | None = None
    end_status: str | None = None

    @property
    def seconds(self) -> int:
        """The length of the call so far, in seconds."""
        if self.answered_at is None:
            return 0
        end = clock.parse(self.ended_at) if self.ended_at else clock.now()
        return clock.seconds_between(clock.parse(self.answered_at), end)

    @property
    def has_hung_up(self) -> bool:
        """Whether the person has said enough."""
        return self.hang_up_after is not None and self.said >= self.hang_up_after


def _key(org_id: str, call_sid: str, what: str) -> Key:
    return {"pk": f"{org_id}#simulated-call#{call_sid}", "sk": what}


def _expires() -> int:
    return int((clock.now() + _KEPT_FOR).timestamp())


def get_caller(org_id: str, call_sid: str) -> SimulatedCaller | None:
    item = reads.get_item("activity", _key(org_id, call_sid, "caller"))
    return SimulatedCaller.model_validate_json(item["caller"]) if item else None


def save_caller(caller: SimulatedCaller, *, before: int | None) -> bool:
    """Stores a caller. Returns False if the caller's step is no longer `before`; without `before` it must be new."""
    put = Put(
        table="activity",
        item={
            **_key(caller.org_id, caller.call_sid, "caller"),
            "step": caller.step,
            "caller": caller.model_dump_json(),
            "expires": _expires(),
        },
        condition="attribute_not_exists(pk)" if before is None else "step = :before",
        values={} if before is None else {":before": before},
    )
    try:
        writes.write_item(put)
    except ConditionFailedError:
        return False
    return True


def save_recording(org_id: str, call_sid: str, recording_sid: str, lines: list[str]) -> None:
    item = {**_key(org_id, call_sid, f"recording#{recording_sid}"), "lines": json.dumps(lines), "expires": _expires()}
    writes.write_item(Put(table="activity", item=item))


def forget_recording(org_id: str, call_sid: str, recording_sid: str) -> None:
    """Deletes the lines of a recording, and remembers that it was deleted."""
    item = {**_key(org_id, call_sid, f"recording#{recording_sid}"), "forgotten": True, "expires": _expires()}
    writes.write_item(Put(table="activity", item=item))


def is_recording_forgotten(org_id: str, call_sid: str, recording_sid: str) -> bool:
    item = reads.get_item("activity", _key(org_id, call_sid, f"recording#{recording_sid}"))
    return bool(item and item.get("forgotten"))


def get_recorded_lines(org_id: str, call_sid: str, recording_sid: str) -> list[str] | None:
    item = reads.get_item("activity", _key(org_id, call_sid, f"recording#{recording_sid}"))
    return [str(line) for line in json.loads(item["lines"])] if item and "lines" in item else None
