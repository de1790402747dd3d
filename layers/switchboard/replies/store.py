"""The state of the AI in conversations, in the `core` table.

| item | pk | sk |
|---|---|---|
| state of the AI in a conversation | `<org>#replies#<conversation>` | `state` |
"""

from __future__ import annotations

from switchboard.aws.dynamodb import Key
from switchboard.aws.reads import Ref
from switchboard.aws.writes import Put
from switchboard.persistence.collection import Collection
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.replies.models import AnswerState


def _key(org_id: str, conversation_id: str) -> Key:
    return {"pk": f"{org_id}#replies#{conversation_id}", "sk": "state"}


STATES = Collection("core", AnswerState, _key)


def state_ref(org_id: str, conversation_id: str) -> Ref[AnswerState]:
    """Returns the reference to the state of a conversation."""
    return Ref("core", _key(org_id, conversation_id), STATES.from_item)


def state_write(state: AnswerState) -> Put:
    """Returns the write of a state. Raises StaleVersionError at commit if another turn was faster."""
    if state.version > 1:
        return STATES.save_write(state)
    return Put(table="core", item=STATES.to_item(state), unless_exists=True, otherwise=StaleVersionError)
