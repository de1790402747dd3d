"""Conversations in which the AI of a flow answers, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from switchboard.carriers.messages.ports.reports import IncomingText
from switchboard.flows import service as flows
from switchboard.flows.models import Flow, FlowSettings
from switchboard.kit import clock
from switchboard.messaging import incoming, store
from switchboard.messaging.models import TextConversation, TextMessage
from switchboard.messaging.threads import conversation_id_of
from switchboard.replies import repliers, service
from switchboard.replies.jobs import ReplyToTexts
from switchboard.replies.repliers.models import Answer, Prompt
from tests.actors import system
from tests.unit.calls.console_calls import OURS, save_number

ADA = "+14155550142"


@dataclass
class Talk:
    """A conversation of a contact with a flow."""

    org_id: str
    number_id: str
    number: str
    flow: Flow
    time: clock.FrozenClock
    contact: str = ADA
    count: int = 0

    @property
    def id(self) -> str:
        return conversation_id_of(self.org_id, self.number_id, self.contact)

    @property
    def conversation(self) -> TextConversation:
        found = store.CONVERSATIONS.get_object(self.org_id, self.id)
        assert found
        return found

    @property
    def texts(self) -> list[TextMessage]:
        """The texts, the oldest first."""
        return store.list_messages(self.org_id, self.id, 100)[0][::-1]

    @property
    def answers(self) -> list[str]:
        """The bodies of our texts, the oldest first."""
        return [message.body for message in self.texts if message.direction == "outbound"]

    def hear(self, body: str, pause: float = 1) -> TextMessage:
        """A text of the contact comes in."""
        self.time.advance(seconds=pause)
        self.count += 1
        incoming.receive_text(
            IncomingText(
                org_id=self.org_id,
                number_id=self.number_id,
                provider_sid=f"SM{self.count:032d}",
                from_number=self.contact,
                to_number=self.number,
                body=body,
                received_at=clock.now_iso(),
            )
        )
        return self.texts[-1]

    def job(self, message: TextMessage, tries: int = 0) -> ReplyToTexts:
        return ReplyToTexts(org_id=self.org_id, conversation_id=self.id, message_id=message.id, tries=tries)

    def answer(self, message: TextMessage, pause: float = 4) -> None:
        """The job of a text runs, after the pause."""
        self.time.advance(seconds=pause)
        service.reply_to_texts(self.job(message))


def open_talk(
    org_id: str, time: clock.FrozenClock, e164: str = OURS, provider: str = "simulator", **settings: Any
) -> Talk:
    """Returns a conversation with a flow that answers texts at a number of ours."""
    wanted = {"name": "Desk", "greeting": "Welcome to Acme!", "system_prompt": "Be kind.", **settings}
    flow = flows.create_flow(system(org_id), FlowSettings.model_validate(wanted))
    number = save_number(org_id, e164, provider=provider, sms_flow_id=flow.id)
    return Talk(org_id, number.id, number.e164, flow, time)


@dataclass
class Writer:
    """A writer with its answers, which are exceptions or `Answer`s. The last one is repeated."""

    answers: Sequence[Answer | Exception]
    name: str = "fake"
    prompts: list[Prompt] = field(default_factory=list)

    def reply(self, prompt: Prompt) -> Answer:
        found = self.answers[min(len(self.prompts), len(self.answers) - 1)]
        self.prompts.append(prompt)
        if isinstance(found, Exception):
            raise found
        return found


def use_writer(monkeypatch: pytest.MonkeyPatch, *answers: Answer | Exception) -> Writer:
    """Lets a writer with these answers write."""
    writer = Writer(answers)
    monkeypatch.setattr(repliers, "choose_replier", lambda: writer)
    return writer
