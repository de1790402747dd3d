"""Talks: their turns and tools, with the summary of the rules (`switchboard.calls.summarizers`)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from switchboard.calls import summarizers
from switchboard.calls.models import AGENT_SPEAKER, Call
from switchboard.calls.summaries import CallSummary
from switchboard.calls.summarizers.models import TalkTurn
from switchboard.carriers.voice.ports.reports import ToolUse, Turn

_OPENINGS = (
    ("Lakeside Clinic, how can I help you?", "Hello, I would like to see a doctor this week."),
    ("Hello, this is the assistant of Lakeside Clinic.", "Good morning, I got a bill that I do not understand."),
    ("Hello, I am calling about your appointment.", "Yes, thank you for calling, I almost forgot it."),
    ("Lakeside Clinic, what can I do for you?", "My prescription has run out and the pharmacy has no refill."),
)
_EXCHANGES = (
    ("May I have your date of birth?", "It is the tenth of December."),
    ("Which day suits you best?", "Tuesday afternoon would be perfect."),
    ("Is this about your last visit?", "No, that problem is gone."),
    ("The first free time is at nine thirty.", "That is too early, I have to bring my daughter to school."),
    ("I can offer a quarter past four.", "Great, that is fine for me."),
    ("The insurance paid the larger part.", "Then something is wrong with the amount on my bill."),
    ("Shall I send the details by mail?", "Yes, please send them to the address that you have."),
    ("Do you need an interpreter?", "No, but a place for a wheelchair would help."),
    ("Is there anything else?", "I was waiting for ten minutes, and nobody was there."),
    ("We will call you back tomorrow.", "Please call after lunch, I work in the mornings."),
)
_ENDINGS = (
    ("Thank you for your call. Goodbye.", "Thank you, goodbye."),
    ("You will get a message in a minute.", "Wonderful, thanks a lot."),
    ("I am sorry for the trouble.", "It was terrible. I will find another clinic."),
)
_TOOLS = ("find_appointment", "book_appointment", "look_up_invoice", "send_message")


class Talk(NamedTuple):
    """The turns of a talk, the agent's tools, and the summary."""

    turns: list[Turn]
    tools: list[ToolUse]
    summary: CallSummary


def make_talk(call: Call, chance: random.Random) -> Talk:
    """A talk that fills the time of an answered call."""
    middle = chance.sample(_EXCHANGES, chance.randint(2, 6))
    pairs = [chance.choice(_OPENINGS), *middle, chance.choice(_ENDINGS)]
    said = [part for agent, caller in pairs for part in ((AGENT_SPEAKER, agent), ("user", caller))]
    turns = list(_turns(said, 1_000 * (call.duration_seconds or 1)))
    tools = [_tool(call, place, turns, chance) for place in range(chance.randint(0, 2))]
    found = summarizers.choose_summarizer(modeled=False).summarize(
        [TalkTurn(speaker == AGENT_SPEAKER, text) for speaker, text in said], None
    )
    summary = CallSummary(
        tldr=found.tldr,
        key_points=found.key_points,
        next_actions=found.next_actions,
        sentiment=found.sentiment,
        made_by=summarizers.RULES,
        turns=len(turns),
        created_at=call.ended_at or call.updated_at,
    )
    return Talk(turns, tools, summary)


def _turns(said: Sequence[tuple[str, str]], length_ms: int) -> Iterator[Turn]:
    letters, start = sum(len(text) for _, text in said), 0
    for number, (speaker, text) in enumerate(said):
        end = start + length_ms * len(text) // letters
        yield Turn(number=number, speaker=speaker, text=text, start_ms=start, end_ms=end)
        start = end


def _tool(call: Call, place: int, turns: Sequence[Turn], chance: random.Random) -> ToolUse:
    done = chance.random() < 0.95
    return ToolUse(
        id=f"{call.id}-{place}",
        name=chance.choice(_TOOLS),
        arguments={"phone": call.person_number},
        result="done" if done else None,
        status="completed" if done else "failed",
        start_ms=turns[2 * place + 2].start_ms,
        duration_ms=chance.randint(80, 2_500),
    )
