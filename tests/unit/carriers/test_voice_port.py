"""A line and a talker that carry a call together: what is done when one of them fails."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.carriers import voice
from switchboard.errors import Unavailable
from tests.voices import Provider

CONVERSATION = voice.Conversation(
    org_id="org_1",
    call_id="call_1",
    to_number="+14155550142",
    voice_id="b",
    greeting="Hello.",
    agent_name="Ada",
    opt_out_key="9",
)
PLACEMENT = voice.Placement(org_id="org_1", call_id="call_1", from_number="+15005550006", to_number="+14155550142")


class Talking(Provider):
    """A provider whose talker fails as a test says, or has a line of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.opening: Exception | None = None
        self.own: voice.ProviderCallIds | Exception | None = None
        self.closed: list[str | None] = []

    def open(self, conversation: voice.Conversation) -> voice.TalkConnection:
        if self.opening:
            raise self.opening
        return super().open(conversation)

    def call(self, conversation: voice.Conversation, placement: voice.Placement) -> voice.ProviderCallIds | None:
        if isinstance(self.own, Exception):
            raise self.own
        return self.own

    def close(self, org_id: str, call_id: str, conversation_id: str | None) -> None:
        self.closed.append(conversation_id)


def place(provider: Talking) -> voice.ProviderCallIds:
    return provider.carrier.place(CONVERSATION, PLACEMENT)


def test_the_line_is_connected_to_the_talk_that_was_opened() -> None:
    provider = Talking()
    assert place(provider) == voice.ProviderCallIds("sim_1", "talk_1")
    (placed,) = provider.placements
    assert (placed.conversation_id, placed.connect) == ("talk_1", "wss://talker.example/talk_1")


def test_a_talker_with_a_line_of_its_own_places_the_call() -> None:
    provider = Talking()
    provider.own = voice.ProviderCallIds("CA1", "conv_1")
    assert place(provider) == voice.ProviderCallIds("CA1", "conv_1")
    assert (provider.dialed, provider.placements) == ([], [])


@pytest.mark.parametrize(
    ("opening", "raised"),
    [
        (voice.RefusedError("no such agent"), voice.RefusedError),
        (voice.ThrottledError("full"), voice.ThrottledError),
        (voice.OutcomeUnknownError("no answer"), voice.ThrottledError),  # nobody was called: it is done again
        (Unavailable("The table is busy."), voice.ThrottledError),
        (ValueError("a greeting of six megabytes"), voice.RefusedError),
    ],
)
def test_a_talk_that_cannot_be_opened_calls_nobody(opening: Exception, raised: type[Exception]) -> None:
    provider = Talking()
    provider.opening = opening
    with pytest.raises(raised):
        place(provider)
    assert provider.placements == []


@pytest.mark.parametrize("outcome", [voice.RefusedError("no route"), voice.ThrottledError("full")])
def test_a_talk_whose_call_is_not_placed_is_dropped(outcome: Exception) -> None:
    provider = Talking()
    provider.outcome = outcome
    with pytest.raises(type(outcome)):
        place(provider)
    assert provider.closed == ["talk_1"]


@pytest.mark.parametrize("fault", [KeyError("sid"), TimeoutError()])
def test_after_a_fault_of_ours_nobody_knows_whether_the_call_was_placed(fault: Any) -> None:
    provider = Talking()
    provider.outcome = fault
    with pytest.raises(voice.OutcomeUnknownError):
        place(provider)
    assert provider.closed == []
    provider.own = fault
    with pytest.raises(voice.OutcomeUnknownError):
        place(provider)
