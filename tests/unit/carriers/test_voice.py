"""A call that a line and a talker carry together, and the failure of one of them."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.carriers import voice
from switchboard.errors import Unavailable
from tests.fakes.voice import Provider

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


class TalkingProvider(Provider):
    """A provider whose talker fails as the test says, or has its own line."""

    def __init__(self) -> None:
        super().__init__()
        self.opening: Exception | None = None
        self.own: voice.ProviderCallIds | Exception | None = None
        self.closed: list[str | None] = []

    def open_talk(self, conversation: voice.Conversation) -> voice.TalkConnection:
        if self.opening:
            raise self.opening
        return super().open_talk(conversation)

    def call_with_talk(
        self, conversation: voice.Conversation, placement: voice.Placement
    ) -> voice.ProviderCallIds | None:
        if isinstance(self.own, Exception):
            raise self.own
        return self.own

    def close_talk(self, org_id: str, call_id: str, conversation_id: str | None) -> None:
        self.closed.append(conversation_id)


def place_call(provider: TalkingProvider) -> voice.ProviderCallIds:
    return provider.carrier.place_call(CONVERSATION, PLACEMENT)


def test_the_line_is_connected_to_the_talk_that_was_opened() -> None:
    provider = TalkingProvider()
    assert place_call(provider) == voice.ProviderCallIds("sim_1", "talk_1")
    (placed,) = provider.placements
    assert (placed.conversation_id, placed.connect) == ("talk_1", "wss://talker.example/talk_1")


def test_a_talker_with_its_own_line_places_the_call() -> None:
    provider = TalkingProvider()
    provider.own = voice.ProviderCallIds("CA1", "conv_1")
    assert place_call(provider) == voice.ProviderCallIds("CA1", "conv_1")
    assert (provider.dialed, provider.placements) == ([], [])


@pytest.mark.parametrize(
    ("opening", "raised"),
    [
        (voice.RefusedError("no such agent"), voice.RefusedError),
        (voice.ThrottledError("full"), voice.ThrottledError),
        (voice.OutcomeUnknownError("no answer"), voice.ThrottledError),  # nobody was called, so it is retried
        (Unavailable("The table is busy."), voice.ThrottledError),
        (ValueError("a greeting of six megabytes"), voice.RefusedError),
    ],
)
def test_a_talk_that_cannot_be_opened_calls_nobody(opening: Exception, raised: type[Exception]) -> None:
    provider = TalkingProvider()
    provider.opening = opening
    with pytest.raises(raised):
        place_call(provider)
    assert provider.placements == []


@pytest.mark.parametrize("outcome", [voice.RefusedError("no route"), voice.ThrottledError("full")])
def test_a_talk_whose_call_is_not_placed_is_closed(outcome: Exception) -> None:
    provider = TalkingProvider()
    provider.outcome = outcome
    with pytest.raises(type(outcome)):
        place_call(provider)
    assert provider.closed == ["talk_1"]


@pytest.mark.parametrize("fault", [KeyError("sid"), TimeoutError()])
def test_after_an_internal_error_the_outcome_of_the_call_is_unknown(fault: Any) -> None:
    provider = TalkingProvider()
    provider.outcome = fault
    with pytest.raises(voice.OutcomeUnknownError):
        place_call(provider)
    assert provider.closed == []
    provider.own = fault
    with pytest.raises(voice.OutcomeUnknownError):
        place_call(provider)
