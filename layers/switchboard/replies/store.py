"""The state of the AI in conversations, in the `core` table.

| item | pk | sk |
|---|---|---|
| state of the AI in a conversation | `<org>#replies#<conversation>` | `state` |
| text that a turn has sent | `<org>#replies#<conversation>` | `sent#<answered text>#<part>` |
| round of tools of a turn | `<org>#replies#<conversation>` | `turn#<turn>#<round>#calls` |
| use of a tool in a turn | `<org>#replies#<conversation>` | `turn#<turn>#<round>#use#<place>` |

Rounds and uses are kept as JSON: the arguments are those of a model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import Put
from switchboard.kit import clock, texts
from switchboard.persistence.collection import Collection
from switchboard.persistence.idempotency import AlreadyDoneError
from switchboard.replies.models import AnswerState, ToolRound, TurnToolUse


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
        item = {**self._key, "subject_id": subject_id, "expires": _expiry()}
        return Put(table="core", item=item, unless_exists=True, otherwise=_sent_before)

    def require_new(self) -> None:
        """Raises AlreadyDoneError if an earlier run sent the text."""
        if found := reads.get_item("core", self._key):
            raise _sent_before([found])

    @property
    def _key(self) -> Key:
        return {"pk": f"{self.org_id}#replies#{self.conversation_id}", "sk": f"sent#{self.answered_id}#{self.part}"}


def _expiry() -> int:
    return int((clock.now() + MARK_LIFETIME).timestamp())


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


class RoundRecordedError(Exception):
    """Another run of the turn has recorded this round."""

    def __init__(self, items: list[Item | None]) -> None:
        super().__init__("another run of the turn has recorded this round")
        self.round = ToolRound.model_validate(_read_kept(items[0]))


class UseRecordedError(Exception):
    """Another run of the turn has started this use of a tool."""

    def __init__(self, items: list[Item | None]) -> None:
        super().__init__("another run of the turn has started this use of a tool")
        self.use = TurnToolUse.model_validate(_read_kept(items[0]))


def _read_kept(item: Item | None) -> Any:
    return texts.load_json((item or {})["kept"])


@dataclass(frozen=True, slots=True)
class TurnPlace:
    """The place of the rounds and uses of one turn, which is named by its id."""

    org_id: str
    conversation_id: str
    turn_id: str

    def read_rounds(self) -> tuple[dict[int, ToolRound], dict[tuple[int, int], TurnToolUse]]:
        """Returns the rounds by their number, and the uses by round and place."""
        rounds, uses = dict[int, ToolRound](), dict[tuple[int, int], TurnToolUse]()
        for item in Query(table="core", partition=self._partition, begins=f"turn#{self.turn_id}#").read_all():
            if item["sk"].endswith("#calls"):
                round_ = ToolRound.model_validate(_read_kept(item))
                rounds[round_.number] = round_
            else:
                use = TurnToolUse.model_validate(_read_kept(item))
                uses[use.round, use.place] = use
        return rounds, uses

    def round_write(self, round_: ToolRound) -> Put:
        """Returns the write of a round. Raises RoundRecordedError at commit."""
        item = self._item(f"{round_.number}#calls", round_)
        return Put(table="core", item=item, unless_exists=True, otherwise=RoundRecordedError)

    def use_write(self, use: TurnToolUse) -> Put:
        """Returns the write that claims a use. Raises UseRecordedError at commit."""
        return replace(self.result_write(use), unless_exists=True, otherwise=UseRecordedError)

    def result_write(self, use: TurnToolUse) -> Put:
        """Returns the write of a use with its result, by the run that claimed it."""
        return Put(table="core", item=self._item(f"{use.round}#use#{use.place}", use))

    @property
    def _partition(self) -> str:
        return f"{self.org_id}#replies#{self.conversation_id}"

    def _item(self, place: str, kept: ToolRound | TurnToolUse) -> Item:
        key = {"pk": self._partition, "sk": f"turn#{self.turn_id}#{place}"}
        return {**key, "kept": texts.dump_json(kept.model_dump(mode="json")), "expires": _expiry()}
