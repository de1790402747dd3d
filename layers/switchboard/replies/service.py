"""Answers texts by the AI of a flow.

Each text that comes in starts a job, some seconds later. The job of the newest text answers the texts since our last
one, so a person who writes three short texts gets one answer. A person who takes over, a closed conversation, an
opt-out, a block and an automatic text get no answer.

The job may run twice. The text of the answer is sent once, by a marker that is derived from the text that it answers.
The state of the conversation is changed with the commit that ends the turn, so a second run after it finds nothing to
do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.aws import reads
from switchboard.aws.writes import commit
from switchboard.compliance import ledgers
from switchboard.compliance.verdicts import Blocked
from switchboard.errors import Contended, DomainError, NotFound, QuotaExceeded, Unavailable
from switchboard.flows import service as flows
from switchboard.flows.models import Flow
from switchboard.kit import chance, clock, texts
from switchboard.messaging import acceptance, lookup, system_changes, unanswered
from switchboard.messaging.acceptance import TextDraft
from switchboard.messaging.conversation_changes import ConversationChanges
from switchboard.messaging.models import Author, ConversationStatus, MessageStatus, TextConversation, TextMessage
from switchboard.numbers import service as numbers
from switchboard.replies import guards, repliers, store, tools
from switchboard.replies.jobs import ReplyToTexts
from switchboard.replies.models import MAX_KEPT_TURNS, AnswerState
from switchboard.replies.repliers import RULES, RefusedError, ThrottledError
from switchboard.replies.repliers.models import Prompt, ThreadLine, ToolResult
from switchboard.replies.tools import Effects
from switchboard.timers import service as timers
from switchboard.usage import service as usage

#: The longest time that a person who keeps writing waits for an answer.
LONGEST_PAUSE = timedelta(seconds=20)
#: Older texts than this do not belong to the turn of the newest one.
_SAME_TURN = timedelta(hours=1)
#: The rounds of tools before the answer, and the HTTP tools of one answer.
MAX_ROUNDS, MAX_HTTP_CALLS = 3, 5
#: No round and no tool begins later than this in a turn, in seconds. The last one may take 90 seconds, and the function
#: has 200.
_TURN_SECONDS = 80
#: The texts that the writer reads, and the characters of one of them.
MAX_LINES, MAX_LINE_CHARACTERS = 30, 1_600
#: How long a busy model is asked again, and about how long between two attempts.
_MODEL_TRIES, _THROTTLE_DELAY = 20, timedelta(seconds=15)
#: The most turns in which a model writes for an organization in a day (UTC), and the most questions to the model that
#: one contact causes at all numbers: so nobody uses up what the others need.
MODEL_REPLIES_PER_DAY, MODEL_CALLS_PER_CONTACT = 20_000, 120
#: The answer when the writer fails. A person then takes over.
FALLBACK = "Thank you for your text. A member of our team will answer here as soon as possible."
#: The contact, or the organization, wants no texts at all: nobody needs to look.
_REFUSALS = frozenset({"opted_out", "dnc"})
_UNSEEN = frozenset({MessageStatus.FAILED, MessageStatus.CANCELED, MessageStatus.UNDELIVERED})


class _Turn(NamedTuple):
    """One turn of the AI: the conversation with its texts, newest first, its flow, and the state of earlier turns."""

    org: Organization
    talk: TextConversation
    flow: Flow
    history: Sequence[TextMessage]
    state: AnswerState
    #: The newest text that came in. The turn answers every text up to it.
    newest: TextMessage


def reply_to_texts(job: ReplyToTexts) -> None:
    """Answers the texts of a conversation up to the job's text. It may run several times."""
    found = _find_turn(job)
    if isinstance(found, str):
        telemetry.log_skip(found, org_id=job.org_id, conversation_id=job.conversation_id)
        return
    if stop := guards.find_stop(found.history, found.state.turned_at, clock.now()):
        telemetry.emit_metric("RepliesStopped")
        _end_turn(found, None, Effects(escalation=stop), turns=0)
        return
    effects = Effects()
    try:
        text = _write_answer(found, effects, job.tries)
    except ThrottledError:
        if job.tries + 1 < _MODEL_TRIES:
            again = job.model_copy(update={"tries": job.tries + 1})
            commit(timers.schedule(again, clock.now() + _THROTTLE_DELAY * chance.between(0.5, 1.5)).write)
            return
        text, effects = FALLBACK, Effects(escalation="model_busy")
    except RefusedError as refusal:
        telemetry.logger().warning("no answer by the model", extra={"reason": str(refusal)})
        text, effects = FALLBACK, Effects(escalation="model_failed")
    except QuotaExceeded:
        text, effects = FALLBACK, Effects(escalation="model_limit")
    _end_turn(found, text, effects)


def _find_turn(job: ReplyToTexts) -> _Turn | str:
    """Returns the turn of a job, or why there is none."""
    org_id = job.org_id
    talk, state = reads.read_refs(
        lookup.conversation_ref(org_id, job.conversation_id), store.state_ref(org_id, job.conversation_id)
    )
    if talk is None:
        return "the conversation is gone"
    if talk.ai_paused or talk.status is ConversationStatus.CLOSED:
        return "a person has taken over, or the conversation is closed"
    state = state or AnswerState(org_id=org_id, conversation_id=talk.id, version=0)
    if state.answered_through and job.message_id <= state.answered_through:
        return "the text has its answer"
    opt_out, blocked = reads.read_refs(
        ledgers.opt_out_ref(org_id, talk.contact_e164), ledgers.blocked_ref(org_id, talk.contact_e164)
    )
    if opt_out or blocked:
        return "the contact opted out or is blocked"
    flow = _find_flow(talk)
    if flow is None:
        return "no flow answers texts here"
    history = lookup.list_newest_messages(org_id, talk.id, MAX_LINES)
    waiting = _list_waiting(history, state.answered_through)
    if not waiting or waiting[0].id < job.message_id:
        return "no text waits for an answer"
    if waiting[0].id != job.message_id and clock.now() - clock.parse(waiting[-1].created_at) < LONGEST_PAUSE:
        return "a newer text came in, and its job answers both"
    return _Turn(organizations.get_organization(org_id), talk, flow, history, state, waiting[0])


def _list_waiting(newest_first: Sequence[TextMessage], answered_through: str | None) -> list[TextMessage]:
    """Returns the texts of the contact that wait for an answer, newest first.

    A keyword, an automatic text or a reaction after a question does not wait, so the question's job goes on. A text of
    a member answers those before it, and a wrong number leaves them to a person. A text of the AI does not count: a
    turn that was killed after it goes on where it was.
    """
    waiting: list[TextMessage] = []
    for message in newest_first:
        by_member = message.author is Author.USER and message.campaign_id is None
        if by_member or message.id <= (answered_through or ""):
            break
        if message.direction == "inbound" and unanswered.says_wrong_number(message.body):
            break
        if unanswered.wants_reply(message) and (not waiting or _is_near(message, waiting[0])):
            waiting.append(message)
    return waiting


def _is_near(message: TextMessage, newest: TextMessage) -> bool:
    return clock.parse(newest.created_at) - clock.parse(message.created_at) < _SAME_TURN


def _find_flow(talk: TextConversation) -> Flow | None:
    flow_id = talk.flow_id
    if flow_id is None:
        number = numbers.find_number(talk.number_id)
        flow_id = number.sms_flow_id if number and number.org_id == talk.org_id else None
    if flow_id is None:
        return None
    try:
        return flows.get_flow(talk.org_id, flow_id)
    except NotFound:
        return None


def _write_answer(turn: _Turn, effects: Effects, tries: int) -> str | None:
    """Returns the text of the answer, `None` if no answer is needed, after the tools that the writer calls.

    Raises ThrottledError and RefusedError, and QuotaExceeded at a daily limit of the model.
    """
    writer, results, http_calls = repliers.choose_replier(), list[ToolResult](), 0
    prompt, began = _new_prompt(turn), clock.epoch()
    for number in range(MAX_ROUNDS + 1):
        _require_time(began)
        # A busy model is asked again: that counts once.
        if writer.name != RULES and (number or not tries):
            _charge_call(turn, is_first=number == 0)
        answer = writer.reply(prompt._replace(results=tuple(results), is_last=number == MAX_ROUNDS))
        if not answer.calls:
            return answer.text
        for place, call in enumerate(answer.calls):
            own = any(tool.name == call.name for tool in turn.flow.tools)
            http_calls += own
            if own and http_calls > MAX_HTTP_CALLS:
                results.append(ToolResult(call.name, "Too many tools were called: answer now.", done=False))
                continue
            _require_time(began)
            key = texts.digest(f"{turn.newest.id}#{number}#{place}")
            results.append(tools.run_tool(turn.flow, call, effects, key))
    raise RefusedError("the writer calls tools and does not answer")


def _charge_call(turn: _Turn, *, is_first: bool) -> None:
    """Counts a question to the model. Raises QuotaExceeded at a daily limit."""
    contact = turn.talk.contact_e164
    by_contact = usage.daily_charge_of_contact(turn.org, contact, "model_calls", MODEL_CALLS_PER_CONTACT)
    by_org = usage.daily_charge(turn.org, "model_replies", MODEL_REPLIES_PER_DAY)
    usage.commit_within([by_contact, by_org] if is_first else [by_contact])


def _require_time(began: float) -> None:
    """Raises RefusedError if the turn has taken too long. A turn that Lambda stops would begin again."""
    if clock.epoch() - began > _TURN_SECONDS:
        raise RefusedError("the turn takes too long")


def _new_prompt(turn: _Turn) -> Prompt:
    lines = [
        ThreadLine(message.direction == "outbound", message.body[:MAX_LINE_CHARACTERS] or "(a file)")
        for message in reversed(turn.history)
        if message.status not in _UNSEEN and message.keyword is None and message.author is not Author.SYSTEM
    ]
    flow = turn.flow
    return Prompt(
        organization=turn.org.name,
        flow_name=flow.name,
        greeting=flow.greeting,
        instructions=flow.system_prompt,
        outcome_schema=flow.outcome_schema,
        lines=lines,
        tools=tools.describe_tools(flow),
    )


def _end_turn(turn: _Turn, text: str | None, effects: Effects, turns: int = 1) -> None:
    """Sends the follow-up and the answer, each once, and then commits everything else of the turn.

    `turns` is how much the turn counts for the limits. A follow-up counts beside it.
    """
    # The follow-up comes first: if it may not be scheduled, a person takes over, and the answer is the last text.
    if effects.follow_up and not effects.escalation:
        at = clock.format_iso(clock.now() + effects.follow_up.after)
        turns += _send(turn, TextDraft(body=effects.follow_up.text, scheduled_at=at), "follow-up", effects) is not None
    sent = _send(turn, TextDraft(body=text), "answer", effects) if text else None
    state = turn.state.model_copy(
        update={
            "version": turn.state.version + 1,
            "answered_through": turn.newest.id,
            "turned_at": [*turn.state.turned_at, *([clock.now_iso()] * turns)][-MAX_KEPT_TURNS:],
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
        telemetry.log_skip("another run of the turn was faster", conversation_id=turn.talk.id)


def _send(turn: _Turn, draft: TextDraft, part: str, effects: Effects) -> str | None:
    """Sends a text once. Returns its id, or `None` if it may not be sent: then it is not tried again."""
    once = store.SentMark(turn.org.id, turn.talk.id, turn.newest.id, part)
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
