"""The choice of the voice carrier and of its talker by settings."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from switchboard.carriers import voice
from switchboard.carriers.outcomes import RefusedError
from switchboard.carriers.voice.ports.script import Connect
from switchboard.carriers.voice.simulator import twiml_reader
from switchboard.carriers.voice.twilio import twiml
from switchboard.carriers.voice.twilio.announcer import Announcer

CONVERSATION = voice.Conversation(
    org_id="org_1", call_id="call_1", to_number="+14155550142", voice_id="Polly.Lupe", greeting="Hola, {{name}}.",
    agent_name="Ada", opt_out_key="9", variables={"name": "<Ana>\x0b"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "carrier", "talker", "found"),
    [
        ("prod", "twilio", "announcer", ("twilio", "announcer", True)),
        ("prod", "twilio", "simulator", ("twilio", "none", True)),
        ("prod", "simulator", "announcer", ("none", "announcer", False)),
        ("local", "twilio", "simulator", ("twilio", "simulator", True)),
    ],
)
def test_a_simulation_serves_people_in_no_deployment(
    monkeypatch: pytest.MonkeyPatch, stage: str, carrier: str, talker: str, found: tuple[str, str, bool]
) -> None:
    for name, value in (("STAGE", stage), ("VOICE_CARRIER", carrier), ("VOICE_TALKER", talker)):
        monkeypatch.setenv(f"SWITCHBOARD_{name}", value)
    assert (voice.carrier_name(), voice.talker_name(), voice.reaches_people()) == found


def test_questions_about_the_line_load_no_sdk() -> None:
    program = """
import sys
from switchboard.carriers import voice
carrier = voice.get_carrier()
assert carrier.talker.list_voices() and carrier.line.is_available("+14155550142")
carrier.line.pace_of("org_1", "+14155550142")
sys.exit("the SDK is loaded" if any(name.split(".")[0] == "twilio" for name in sys.modules) else 0)
"""
    path = ":".join(one for one in sys.path if one)
    given = {"SWITCHBOARD_VOICE_CARRIER": "twilio", "SWITCHBOARD_VOICE_TALKER": "announcer", "PYTHONPATH": path}
    subprocess.run([sys.executable, "-c", program], env=given, check=True)


def test_the_announcer_gives_the_line_what_to_say() -> None:
    opened = Announcer().open_talk(CONVERSATION)
    step = Connect("org_1", "call_1", opened.connect, talk=2)
    gather, redirect = twiml_reader.read_verbs(twiml.render((step,), lambda part: f"https://x.example/{part}"))
    (say,) = gather["nouns"]
    assert (say["text"], say["voice"], say["language"]) == ("Hola, <Ana> .", "Polly.Lupe", "es-US")
    assert gather["action"] == redirect["text"] == "https://x.example/after-talk/2"


def test_the_announcer_uses_its_first_voice_for_an_unknown_one() -> None:
    assert "Polly.Joanna" in Announcer().open_talk(replace(CONVERSATION, voice_id="alloy")).connect


@pytest.mark.parametrize("refused", [{"inbound": True}, {"greeting": " "}])
def test_the_announcer_refuses_a_caller_and_silence(refused: dict[str, object]) -> None:
    with pytest.raises(RefusedError):
        Announcer().open_talk(replace(CONVERSATION, **refused))


def test_instructions_that_connect_to_nothing_are_refused() -> None:
    step = Connect("org_1", "call_1", "<Response><Say>Hello.</Say></Response>")
    with pytest.raises(RefusedError, match="nothing"):
        twiml.render((step,), str)
