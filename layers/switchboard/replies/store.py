"""The state of the AI in conversations, in the `core` table.

| item | pk | sk |
|---|---|---|
| state of the AI in a conversation | `<org>#replies#<conversation>` | `state` |
"""

from __future__ import annotations

from dataclasses import replace

from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Ref
from switchboard.aws.writes import Put
from switchboard.persistence.collection import Collection
from switchboard.replies.models import AnswerState


def _key(org_id: str, conversation_id: str) -> Key:
    return {"pk": f"{org_id}#replies#{conversation_id}", "sk": "state"}


STATES = Collection("core", AnswerState, _key)


def state_ref(org_id: str, conversation_id: str) -> Ref[AnswerState]:
    """Returns the reference to the state of a conversation."""
    return Ref("core", _key(org_id, conversation_id), STATES.from_item)


class AnsweredMeanwhileError(Exception):
    """Another run of the turn was faster."""

    def __init__(self, _: list[Item | None]) -> None:
        super().__init__("another run of the turn was faster")


def state_write(state: AnswerState) -> Put:
    """Returns the write of a state. Raises AnsweredMeanwhileError at commit if another turn was faster."""
    write = STATES.save_write(state) if state.version > 1 else STATES.create_write(state)
    return replace(write, otherwise=AnsweredMeanwhileError)
