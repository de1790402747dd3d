"""The platform's answers to requests of contacts, in the commit of the text that asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.aws.writes import Writes
from switchboard.compliance import phone
from switchboard.compliance.models import OptOut
from switchboard.kit import clock
from switchboard.messaging import acceptance, contact_requests, threads
from switchboard.messaging.carrier_keywords import is_answered_by_carrier
from switchboard.messaging.contact_requests import ContactRequest, LedgerChange
from switchboard.messaging.keywords import KeywordKind
from switchboard.messaging.models import TextConversation, TextMessage
from switchboard.numbers.models import Number
from switchboard.team import members
from switchboard.usage import service as usage
from switchboard.usage.service import Charge

#: The answers to START and HELP of an organization in a day (UTC). Their senders cost the organization money.
DAILY_ANSWERS = 1_000


@dataclass(frozen=True, slots=True)
class Asked:
    """The request of a contact in a text, and what was known when it came in."""

    request: ContactRequest
    change: LedgerChange
    message: TextMessage
    number: Number
    #: The opt-out before the request.
    opt_out: OptOut | None
    blocked: bool
    #: Whether the carrier says what it has answered.
    flagged: bool = False


class Answered(NamedTuple):
    """The conversation after a request, and the writes that queue the platform's answer, if there is one.

    The caller counts `charges` in the same commit. They raise QuotaExceeded at the ceiling: then there is no answer.
    """

    talk: TextConversation
    writes: Writes = None
    charges: Sequence[Charge] = ()


def answer_request(asked: Asked, talk: TextConversation) -> Answered:
    """Returns the conversation with the answer to a request. The carrier may have answered it already."""
    by_default = not asked.flagged and is_answered_by_carrier(asked.number, asked.message.body)
    if asked.request.answered or by_default:
        return Answered(_mark_confirmed(asked, talk))
    if not _is_answered(asked, talk):
        return Answered(talk)
    message, request = asked.message, asked.request
    org = organizations.get_organization(talk.org_id)
    answer, writes = acceptance.system_text_writes(
        org,
        talk,
        contact_requests.write_answer(request, asked.change, org, _find_admin_email(request, org)),
        answer_by=contact_requests.answer_by(message.created_at),
        passes=contact_requests.passed_opt_out(request, asked.change, asked.opt_out, message.created_at),
        correlation_id=message.correlation_id,
    )
    answered = {**talk.keyword_answers, request.kind.value: clock.now_iso()}
    after = talk.model_copy(update={**threads.add_message(talk, answer), "keyword_answers": answered})
    return Answered(_mark_confirmed(asked, after), writes, _charges(asked, org))


def _find_admin_email(request: ContactRequest, org: Organization) -> str | None:
    if request.kind is not KeywordKind.HELP or contact_requests.has_contact(org):
        return None
    return org.owner_email or members.find_first_admin_email(org.id)


def _charges(asked: Asked, org: Organization) -> list[Charge]:
    """Returns the count of an answer. The confirmation of an opt-out has no ceiling, and a simulated answer no cost."""
    if asked.request.kind is KeywordKind.STOP or asked.message.simulated:
        return []
    return [usage.daily_charge(org, "keyword_answers", DAILY_ANSWERS)]


def _is_answered(asked: Asked, talk: TextConversation) -> bool:
    """Whether the platform answers.

    A blocked contact gets nothing, a released number sends nothing, and nobody earns money by asking.
    """
    return (
        not asked.blocked
        and asked.number.active
        and contact_requests.needs_answer(
            asked.request,
            asked.change,
            asked.opt_out,
            asked_at=asked.message.created_at,
            answered_at=talk.keyword_answers.get(asked.request.kind.value),
        )
        and not phone.is_costly(asked.message.contact_e164)
    )


def _mark_confirmed(asked: Asked, talk: TextConversation) -> TextConversation:
    """Returns a conversation whose latest text of ours, or of the carrier for us, confirms an opt-out."""
    if not asked.change.opts_out:
        return talk
    return talk.model_copy(update={"confirmed_opt_out": asked.message.created_at})
