"""Scripts as TwiML: every instruction, and the texts of strangers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.carriers.outcomes import RefusedError
from switchboard.carriers.voice.ports.script import (
    Connect,
    Dial,
    Hangup,
    Play,
    Record,
    Redirect,
    Reject,
    Say,
    StartRecording,
    StopRecording,
)
from switchboard.carriers.voice.simulator import twiml_reader
from switchboard.carriers.voice.twilio import twiml
from tests.unit.properties import example_settings


def url_of(step: str) -> str:
    return f"https://a.example/n/{step}"


def read(*script: object) -> list[dict[str, object]]:
    return twiml_reader.read_verbs(twiml.render(script, url_of))  # type: ignore[arg-type]


def test_every_instruction_has_its_verb() -> None:
    connect = Connect("org_1", "call_1", "wss://talk.example/1?a=1&b=2", 2)
    dial = Dial("+14155550143", "+14155550128", 25, 60)
    script = (StartRecording(), Say("Hi."), Play("https://a.example/x.wav"), connect, dial)
    found = read(*script, Record(180, transcribe=True), Redirect("after-talk"), Hangup(), Reject())
    verbs = ["Start", "Say", "Play", "Connect", "Dial", "Record", "Redirect", "Hangup", "Reject"]
    assert [verb["verb"] for verb in found] == verbs
    (recording,) = found[0]["nouns"]  # type: ignore[misc, assignment]
    assert (recording["channels"], recording["trim"]) == ("mono", "do-not-trim")
    assert found[3]["action"] == "https://a.example/n/after-talk/2"
    assert found[3]["nouns"][0]["url"] == "wss://talk.example/1?a=1&b=2"  # type: ignore[index]
    assert (found[4]["timeout"], found[4]["timeLimit"]) == ("25", "60")
    assert found[5]["transcribeCallback"] == "https://a.example/n/transcription#rc=3&rp=all"


def test_a_recording_ends_by_its_name() -> None:
    text = twiml.render((StartRecording("talk-1"), StopRecording("talk-1")), url_of)
    start, stop = twiml_reader.read_verbs(text)
    assert (start["nouns"][0]["name"], stop["verb"]) == ("talk-1", "Stop")
    assert '<Stop><Recording name="talk-1" /></Stop>' in text


def test_a_talkers_own_instructions_get_our_callback() -> None:
    own = '<?xml version="1.0"?><Response><Connect><ConversationRelay url="wss://t.example"/></Connect></Response>'
    (connect,) = read(Connect("o", "c", own))
    assert (connect["action"], connect["nouns"][0]["verb"]) == (  # type: ignore[index]
        "https://a.example/n/after-talk/0",
        "ConversationRelay",
    )


@pytest.mark.parametrize(
    "own",
    [
        "<Response/>",
        "<Response><Say/></Response>",
        "<Response",
        '<!DOCTYPE x [<!ENTITY a "b">]><Response><Connect>&a;</Connect></Response>',
        f"<Response><Connect>{'x' * 30_000}</Connect></Response>",
    ],
)
def test_instructions_that_cannot_be_used_are_refused(own: str) -> None:
    with pytest.raises(RefusedError):
        twiml.render((Connect("o", "c", own),), url_of)


@example_settings(200)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_said_and_nothing_of_it_is_an_instruction(text: str) -> None:
    said, hung_up = read(Say(text), Hangup())
    assert (said["verb"], hung_up["verb"], said["nouns"]) == ("Say", "Hangup", [])
    assert len(str(said["text"])) <= 4_000
