"""Answers texts by the AI of a flow.

Each text that comes in starts a job, some seconds later. The job of the newest text answers the texts since our last
one, so a person who writes three short texts gets one answer. A person who takes over, a closed conversation, an
opt-out, a block and an automatic text get no answer.

The job may run twice. The text of the answer is sent once, by a marker that is derived from the text that it answers.
The state of the conversation is changed with the commit that ends the turn, so a second run after it finds nothing to
do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from switchboard import telemetry
from switchboard.aws.writes import commit
from switchboard.compliance.verdicts import Blocked
from switchboard.errors import Contended, DomainError, QuotaExceeded, Unavailable
from switchboard.kit import chance, clock, texts
from switchboard.mcp_servers.tools import OfferedTool, list_hosted_servers
from switchboard.messaging import acceptance, system_changes
from switchboard.messaging.acceptance import TextDraft
from switchboard.messaging.conversation_changes import ConversationChanges
from switchboard.messaging.models import Author, ConversationStatus, MessageStatus
from switchboard.replies import guards, repliers, server_tools, store, tools, turns
from switchboard.replies.jobs import ContinueReply, ReplyToTexts
from switchboard.replies.models import MAX_KEPT_TURNS
from switchboard.replies.repliers import RULES, RefusedError, ThrottledError
from switchboard.replies.repliers.models import Prompt, ThreadLine, ToolResult
from switchboard.replies.tools import Effects
from switchboard.replies.turns import ReplyTurn
from switchboard.timers import service as timers
from switchboard.usage import service as usage

#: The rounds of tools before the answer, and the tools of others (HTTP, MCP) that one answer may call.
MAX_ROUNDS, MAX_HTTP_CALLS = 3, 5
#: No round and no tool begins later than this in a turn, in seconds. The last one may take 90 seconds, and the function
#: has 200.
_TURN_SECONDS = 80
#: The characters of a text that the writer reads.
MAX_LINE_CHARACTERS = 1_600
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


def _write_answer(turn: ReplyTurn, effects: Effects, tries: int) -> str | None:
    """Returns the text of the answer, `None` if no answer is needed, after the tools that the writer calls.

    Raises ThrottledError and RefusedError, and QuotaExceeded at a daily limit of the model.
    """
    writer, called = repliers.choose_replier(), 0
    results = [server_tools.result_of(turn.approval)] if turn.approval else list[ToolResult]()
    # Rules call no tools.
    offered = {} if writer.name == RULES else server_tools.list_tools(turn.flow)
    prompt, began = _new_prompt(turn, offered), clock.epoch()
    if repliers.dials_servers(writer):
        prompt = prompt._replace(servers=list_hosted_servers(turn.org.id, turn.flow.id))
    for number in range(MAX_ROUNDS + 1):
        _require_time(began)
        # A busy model is asked again: that counts once.
        if writer.name != RULES and (number or not tries):
            _charge_call(turn, is_first=number == 0)
        answer = writer.reply(prompt._replace(results=tuple(results), is_last=number == MAX_ROUNDS))
        if not answer.calls:
            return answer.text
        for place, call in enumerate(answer.calls):
            own = call.name in offered or any(tool.name == call.name for tool in turn.flow.tools)
            called += own
            if own and called > MAX_HTTP_CALLS:
                results.append(ToolResult(call.name, "Too many tools were called: answer now.", done=False))
                continue
            _require_time(began)
            key = texts.digest(f"{turn.name_part(turn.newest.id)}#{number}#{place}")
            if call.name in offered:
                results.append(server_tools.use_tool(turn, offered[call.name], call, effects, key))
            else:
                results.append(tools.run_tool(turn.flow, call, effects, key))
    raise RefusedError("the writer calls tools and does not answer")


def _charge_call(turn: ReplyTurn, *, is_first: bool) -> None:
    """Counts a question to the model. Raises QuotaExceeded at a daily limit."""
    contact = turn.talk.contact_e164
    by_contact = usage.daily_charge_of_contact(turn.org, contact, "model_calls", MODEL_CALLS_PER_CONTACT)
    by_org = usage.daily_charge(turn.org, "model_replies", MODEL_REPLIES_PER_DAY)
    usage.commit_within([by_contact, by_org] if is_first else [by_contact])


def _require_time(began: float) -> None:
    """Raises RefusedError if the turn has taken too long. A turn that Lambda stops would begin again."""
    if clock.epoch() - began > _TURN_SECONDS:
        raise RefusedError("the turn takes too long")


def _new_prompt(turn: ReplyTurn, offered: Mapping[str, OfferedTool]) -> Prompt:
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
        tools=[*tools.describe_tools(flow), *(tool.describe() for tool in offered.values())],
    )


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
