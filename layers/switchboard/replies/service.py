"""Answers texts by the AI of a flow.

Each text that comes in starts a job, some seconds later. The job of the newest text answers the texts since our last
one, so a person who writes three short texts gets one answer. A person who takes over, a closed conversation, an
opt-out, a block and an automatic text get no answer.

The job may run twice. The text of the answer is sent once, by a marker that is derived from the text that it answers.
The state of the conversation is changed with the commit that ends the turn, so a second run after it finds nothing to
do. A run before it goes on after the recorded rounds of tools (`tool_rounds`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from switchboard import telemetry
from switchboard.aws.writes import commit
from switchboard.compliance.verdicts import Blocked
from switchboard.errors import Contended, DomainError, QuotaExceeded, Unavailable
from switchboard.kit import chance, clock
from switchboard.messaging import acceptance, system_changes
from switchboard.messaging.acceptance import TextDraft
from switchboard.messaging.conversation_changes import ConversationChanges
from switchboard.messaging.models import ConversationStatus
from switchboard.replies import guards, store, turns
from switchboard.replies.jobs import ContinueReply, ReplyToTexts
from switchboard.replies.models import MAX_KEPT_TURNS
from switchboard.replies.repliers import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.replies.tool_rounds import UseUnderWayError
from switchboard.replies.tools import Effects
from switchboard.replies.turns import ReplyTurn
from switchboard.replies.writing import write_answer
from switchboard.timers import service as timers

#: How often a turn waits for a busy model, or for a tool that another run has started, and about how long each time.
_MODEL_TRIES, _THROTTLE_DELAY = 20, timedelta(seconds=15)
#: The answer when the writer fails. A person then takes over.
FALLBACK = "Thank you for your text. A member of our team will answer here as soon as possible."
#: The contact, or the organization, wants no texts at all: nobody needs to look.
_REFUSALS = frozenset({"opted_out", "dnc"})


def reply_to_texts(job: ReplyToTexts) -> None:
    """Answers the texts of a conversation up to the job's text. It may run several times."""
    _take_turn(job, turns.find_turn(job))


def continue_reply(job: ContinueReply) -> None:
    """Goes on with a conversation after the decision about a tool, or its run. It may run several times."""
    _take_turn(job, turns.find_continuation(job))


def _take_turn(job: ReplyToTexts | ContinueReply, found: ReplyTurn | str) -> None:
    if isinstance(found, str):
        telemetry.log_skip(found, org_id=job.org_id, conversation_id=job.conversation_id)
        return
    if stop := guards.find_stop(found.history, found.state.turned_at, clock.now()):
        telemetry.emit_metric("RepliesStopped")
        _end_turn(found, None, Effects(escalation=stop), count=0)
        return
    effects = Effects()
    try:
        text = write_answer(found, effects, job.tries)
    except (ThrottledError, UseUnderWayError):
        if job.tries + 1 < _MODEL_TRIES:
            again = job.model_copy(update={"tries": job.tries + 1})
            commit(timers.schedule(again, clock.now() + _THROTTLE_DELAY * chance.between(0.5, 1.5)).write)
            return
        text, effects = _fail(effects, "model_busy")
    except (RefusedError, OutcomeUnknownError) as refusal:
        telemetry.logger().warning("no answer by the model", extra={"reason": str(refusal)})
        text, effects = _fail(effects, "model_failed")
    except QuotaExceeded:
        text, effects = _fail(effects, "model_limit")
    _end_turn(found, text, effects)


def _fail(effects: Effects, reason: str) -> tuple[str, Effects]:
    """Returns the end of a turn without an answer. Nothing that was asked for happens, and the tools that ran did."""
    return FALLBACK, Effects(escalation=reason, called=effects.called, approvals=effects.approvals)


def _end_turn(turn: ReplyTurn, text: str | None, effects: Effects, count: int = 1) -> None:
    """Sends the follow-up and the answer, each once, and then commits everything else of the turn.

    `count` is how much the turn counts for the limits. A follow-up counts beside it.
    """
    # The follow-up comes first: if it may not be scheduled, a person takes over, and the answer is the last text.
    if effects.follow_up and not effects.escalation:
        at = clock.format_iso(clock.now() + effects.follow_up.after)
        count += _send(turn, TextDraft(body=effects.follow_up.text, scheduled_at=at), "follow-up", effects) is not None
    sent = _send(turn, TextDraft(body=text), "answer", effects) if text else None
    state = turn.state.model_copy(
        update={
            "version": turn.state.version + 1,
            "answered_through": max(turn.state.answered_through or "", turn.newest.id),
            "turned_at": [*turn.state.turned_at, *([clock.now_iso()] * count)][-MAX_KEPT_TURNS:],
            "continued": [*turn.state.continued, *([turn.approval.id] if turn.approval else [])][-MAX_KEPT_TURNS:],
        }
    )
    try:
        system_changes.change_by_ai(
            turn.org.id,
            turn.talk.id,
            _changes_of(effects, sent),
            turn.newest.correlation_id,
            beside=store.state_write(state),
            escalation=effects.escalation,
            tools=effects.called,
        )
    except store.AnsweredMeanwhileError:
        if turn.approval is not None:
            # The other turn did not know this result: the queue delivers the job again.
            raise Contended("Another turn of this conversation came between: try again in a second.") from None
        telemetry.log_skip("another run of the turn was faster", conversation_id=turn.talk.id)


def _send(turn: ReplyTurn, draft: TextDraft, part: str, effects: Effects) -> str | None:
    """Sends a text once. Returns its id, or `None` if it may not be sent: then it is not tried again."""
    once = store.SentMark(turn.org.id, turn.talk.id, turn.newest.id, turn.name_part(part))
    try:
        sent = acceptance.send_reply(
            turn.org,
            turn.talk.id,
            draft,
            correlation_id=turn.newest.correlation_id,
            once=once,
            is_last=effects.escalation is not None,
        )
    except (Contended, Unavailable):
        raise  # the queue delivers the job again
    except QuotaExceeded as error:
        effects.escalation = effects.escalation or error.code
        return None
    except (Blocked, DomainError) as error:
        if isinstance(error, Blocked) and error.code not in _REFUSALS:
            # The contact waits for an answer that the AI may not give.
            effects.escalation = effects.escalation or error.code
        telemetry.log_skip("the answer may not be sent", conversation_id=turn.talk.id, code=error.code)
        return None
    made = sent.message or sent.scheduled
    return made.id if made else None


def _changes_of(effects: Effects, sent: str | None) -> ConversationChanges:
    """Returns the changes of the conversation that the turn asks for."""
    metadata: dict[str, Any] = {}
    if sent:
        metadata["previous_response_id"] = sent
    if effects.outcomes is not None:
        metadata["outcomes"] = effects.outcomes
        metadata["outcome_errors"] = list(effects.outcome_errors) or None
    changes: ConversationChanges = {}
    if effects.approvals:
        changes["needs_attention"] = True
    if effects.escalation:
        metadata["escalation_reason"] = effects.escalation
        changes["ai_paused"] = changes["needs_attention"] = True
    elif effects.close:
        changes["status"] = ConversationStatus.CLOSED
    if effects.flow_id:
        changes["flow_id"] = effects.flow_id
    if metadata:
        changes["metadata"] = metadata
    return changes
