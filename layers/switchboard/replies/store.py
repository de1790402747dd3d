"""The state of the AI in conversations, in the `core` table.

| item | pk | sk |
|---|---|---|
| state of the AI in a conversation | `<org>#replies#<conversation>` | `state` |
| text that a turn has sent | `<org>#replies#<conversation>` | `sent#<answered text>#<part>` |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Ref
from switchboard.aws.writes import Put
from switchboard.kit import clock
from switchboard.persistence.collection import Collection
from switchboard.persistence.idempotency import AlreadyDoneError
from switchboard.replies.models import AnswerState


def _key(org_id: str, conversation_id: str) -> Key:
    return {"pk": f"{org_id}#replies#{conversation_id}", "sk": "state"}


STATES = Collection("core", AnswerState, _key)


def state_ref(org_id: str, conversation_id: str) -> Ref[AnswerState]:
    """Returns the reference to the state of a conversation."""
    return Ref("core", _key(org_id, conversation_id), STATES.from_item)


#: How long a mark is kept: longer than a job may wait, also as a dead letter.
MARK_LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SentMark:
    """The mark of a text that a turn sends, so that a second run of the turn finds the text of the first.

    `part` is what the text is for: the answer, or a follow-up.
    """

    org_id: str
    conversation_id: str
    answered_id: str
    part: str

    def marker_write(self, subject_id: str) -> Put:
        """Returns the write that claims the text. Raises AlreadyDoneError at commit."""
        expires = int((clock.now() + MARK_LIFETIME).timestamp())
        item = {**self._key, "subject_id": subject_id, "expires": expires}
        return Put(table="core", item=item, unless_exists=True, otherwise=_sent_before)

    def require_new(self) -> None:
        """Raises AlreadyDoneError if an earlier run sent the text."""
        if found := reads.get_item("core", self._key):
            raise _sent_before([found])

    @property
    def _key(self) -> Key:
        return {"pk": f"{self.org_id}#replies#{self.conversation_id}", "sk": f"sent#{self.answered_id}#{self.part}"}


def _sent_before(items: list[Item | None]) -> Exception:
    return AlreadyDoneError(str((items[0] or {})["subject_id"]), "")


class AnsweredMeanwhileError(Exception):
    """Another run of the turn was faster."""

    def __init__(self, _: list[Item | None]) -> None:
        super().__init__("another run of the turn was faster")


def state_write(state: AnswerState) -> Put:
    """Returns the write of a state. Raises AnsweredMeanwhileError at commit if another turn was faster."""
    write = STATES.save_write(state) if state.version > 1 else STATES.create_write(state)
    return replace(write, otherwise=AnsweredMeanwhileError)
