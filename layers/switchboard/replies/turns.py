"""Finds the turn that a job asks for: the conversation, its texts, and the state of the AI in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.aws import reads
from switchboard.compliance import ledgers
from switchboard.errors import NotFound
from switchboard.flows import service as flows
from switchboard.flows.models import Flow
from switchboard.kit import clock
from switchboard.messaging import lookup, unanswered
from switchboard.messaging.models import Author, ConversationStatus, TextConversation, TextMessage
from switchboard.numbers import service as numbers
from switchboard.replies import store
from switchboard.replies.jobs import ContinueReply, ReplyToTexts
from switchboard.replies.models import AnswerState
from switchboard.tool_approvals import service as tool_approvals
from switchboard.tool_approvals.models import ToolApproval

#: The longest time that a person who keeps writing waits for an answer.
LONGEST_PAUSE = timedelta(seconds=20)
#: The texts that the writer reads.
MAX_LINES = 30
#: Older texts than this do not belong to the turn of the newest one.
_SAME_TURN = timedelta(hours=1)


class ReplyTurn(NamedTuple):
    """One turn of the AI: the conversation with its texts, newest first, its flow, and the state of earlier turns."""

    org: Organization
    talk: TextConversation
    flow: Flow
    history: Sequence[TextMessage]
    state: AnswerState
    #: The newest text that came in. The turn answers every text up to it.
    newest: TextMessage
    #: The oldest text that waits, or the approval that starts the turn. A repeated turn keeps it when a text comes in.
    id: str
    #: The approval of a tool whose result starts the turn.
    approval: ToolApproval | None = None

    def name_part(self, part: str) -> str:
        """Returns the name of a part of the turn. A text may have a turn, and one for the result of each tool."""
        return f"{part}-{self.approval.id}" if self.approval else part


class _Opened(NamedTuple):
    """A conversation in which the AI may write."""

    talk: TextConversation
    flow: Flow
    state: AnswerState
    history: Sequence[TextMessage]


def find_turn(job: ReplyToTexts) -> ReplyTurn | str:
    """Returns the turn that answers texts, or why there is none."""
    opened = _open_conversation(job.org_id, job.conversation_id)
    if isinstance(opened, str):
        return opened
    talk, flow, state, history = opened
    if state.answered_through and job.message_id <= state.answered_through:
        return "the text has its answer"
    waiting = _list_waiting(history, state.answered_through)
    if not waiting or waiting[0].id < job.message_id:
        return "no text waits for an answer"
    if waiting[0].id != job.message_id and clock.now() - clock.parse(waiting[-1].created_at) < LONGEST_PAUSE:
        return "a newer text came in, and its job answers both"
    return ReplyTurn(organizations.get_organization(job.org_id), talk, flow, history, state, waiting[0], waiting[-1].id)


def find_continuation(job: ContinueReply) -> ReplyTurn | str:
    """Returns the turn that goes on with the result of a tool, or why there is none.

    It also answers the texts that came in meanwhile.
    """
    try:
        approval = tool_approvals.get_approval(job.org_id, job.approval_id)
    except NotFound:
        return "the approval is gone"
    if approval.result is None:
        return "the tool has no result"
    opened = _open_conversation(job.org_id, job.conversation_id)
    if isinstance(opened, str):
        return opened
    talk, flow, state, history = opened
    if approval.id in state.continued:
        return "the result has had its turn"
    if flow.id != approval.flow_id:
        return "another flow has the conversation"
    newest = next((one for one in history if one.direction == "inbound" and one.keyword is None), None)
    if newest is None:
        return "the conversation has no text of the contact"
    org = organizations.get_organization(job.org_id)
    return ReplyTurn(org, talk, flow, history, state, newest, approval.id, approval)


def _open_conversation(org_id: str, conversation_id: str) -> _Opened | str:
    """Returns a conversation in which the AI may write, or why it may not."""
    talk, state = reads.read_refs(
        lookup.conversation_ref(org_id, conversation_id), store.state_ref(org_id, conversation_id)
    )
    if talk is None:
        return "the conversation is gone"
    if talk.ai_paused or talk.status is ConversationStatus.CLOSED:
        return "a person has taken over, or the conversation is closed"
    state = state or AnswerState(org_id=org_id, conversation_id=talk.id, version=0)
    opt_out, blocked = reads.read_refs(
        ledgers.opt_out_ref(org_id, talk.contact_e164), ledgers.blocked_ref(org_id, talk.contact_e164)
    )
    if opt_out or blocked:
        return "the contact opted out or is blocked"
    flow = _find_flow(talk)
    if flow is None:
        return "no flow answers texts here"
    return _Opened(talk, flow, state, lookup.list_newest_messages(org_id, talk.id, MAX_LINES))


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
