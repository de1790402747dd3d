"""A voice provider that the test controls: line and talker in one."""

from __future__ import annotations

import math

from switchboard.carriers import voice
from switchboard.carriers.voice.ports.line import Command


class Provider:
    """Places no real call. `outcome` is the id of each call, or the error of placing it. `known` is its snapshot."""

    def __init__(self, *, analyzes: bool = False) -> None:
        self.outcome: str | Exception = "sim_1"
        self.dialed: list[voice.Conversation] = []
        self.placements: list[voice.Placement] = []
        self.ended: list[voice.Leg] = []
        self.commands: list[Command] = []
        self.known: voice.Snapshot | Exception | None = voice.OutcomeUnknownError("it does not say")
        self.said: voice.Transcript | Exception | None = None
        self.pace = math.inf
        self.counted_by: str | None = None
        self.scripted = False
        self._analyzes = analyzes

    @property
    def carrier(self) -> voice.Carrier:
        return voice.Carrier(self, self)

    def is_available(self, to_number: str) -> bool:
        return to_number != "+15005550013"

    def asks_for_script(self) -> bool:
        return self.scripted

    def pace_of(self, org_id: str, from_number: str) -> voice.Pace:
        return voice.Pace(self.pace, self.counted_by)

    def list_voices(self) -> list[voice.Voice]:
        return [
            voice.Voice("b", "Basic", "basic", "en-US", "female"),
            voice.Voice("p", "Premium", "premium", "en-US", "male"),
        ]

    def reports_analysis(self) -> bool:
        return self._analyzes

    def open_talk(self, conversation: voice.Conversation) -> voice.TalkConnection:
        self.dialed.append(conversation)
        return voice.TalkConnection("talk_1", "wss://talker.example/talk_1")

    def call_with_talk(
        self, conversation: voice.Conversation, placement: voice.Placement
    ) -> voice.ProviderCallIds | None:
        return None

    def place_call(self, placement: voice.Placement) -> str:
        self.placements.append(placement)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def fetch_call(self, leg: voice.Leg) -> voice.Snapshot | None:
        if isinstance(self.known, Exception):
            raise self.known
        return self.known

    def end_call(self, leg: voice.Leg) -> None:
        self.ended.append(leg)

    def control_call(self, leg: voice.Leg, command: Command) -> None:
        self.commands.append(command)

    def fetch_transcript(self, org_id: str, call_id: str, conversation_id: str | None) -> voice.Transcript | None:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said

    def close_talk(self, org_id: str, call_id: str, conversation_id: str | None) -> None:
        pass
