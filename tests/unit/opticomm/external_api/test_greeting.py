"""The greeting, the prompt and the voice of a call."""

from __future__ import annotations

import pytest

from switchboard.calls import dialing
from switchboard.carriers import voice
from tests.fakes.voice import Provider
from tests.unit.opticomm.backend import NOBODY, Backend, make_flow
from tests.unit.opticomm.external_api.conftest import FIRST, read_call, read_conversation


def test_variables_fill_the_greeting_and_the_prompt_and_are_heard(live: Backend) -> None:
    flow = make_flow(live.company.org_id, system_prompt="Confirm order {{ order_id }} of {{unknown}}.")
    variables = {"customer_name": "Grace {{order_id}}", "order_id": "{agent} 1815"}
    heard = read_conversation(live, live.initiate(agent_id=flow.id, variables=variables).json()["call_id"])
    assert heard[0] == f"{FIRST} Hello Grace {{{{order_id}}}}."
    assert any("Confirm order {agent} 1815 of {{unknown}}." in text for text in heard)
    assert any("order_id is {agent} 1815" in text for text in heard)
    assert any("This is Ada, an automated assistant." in text for text in heard)


def test_the_first_message_replaces_the_greeting(live: Backend) -> None:
    call_id = live.initiate(first_message_override="{{a}}, quickly!", variables={"a": "Come"}).json()["call_id"]
    assert read_conversation(live, call_id)[0] == f"{FIRST} Come, quickly!"


def test_any_greeting_starts_with_caller_and_artificial_voice(live: Backend, test: Backend) -> None:
    spanish = make_flow(live.company.org_id, voice="switchboard:inés", greeting="Hola.")
    silent = make_flow(live.company.org_id, greeting="")
    honest = "Hello, I am an AI assistant from Acme."
    for key in (live, test):
        for to in (NOBODY, "+40712345678", "+18005551234"):
            where = {"phone_number": to, "time_zone": "America/New_York"}
            call_id = key.initiate(**where, first_message_override="I am a human being.").json()["call_id"]
            assert read_call(key, call_id).greeting == f"{FIRST} I am a human being."
        assert read_call(key, key.initiate(agent_id=silent.id).json()["call_id"]).greeting.startswith(f"{FIRST} Hello")
        said = read_call(key, key.initiate(agent_id=spanish.id).json()["call_id"]).greeting
        assert said == "Le habla una voz artificial que llama en nombre de Acme. Hola."
        call_id = key.initiate(first_message_override=honest).json()["call_id"]
        assert read_call(key, call_id).greeting == honest


def test_the_voice_port_gets_all_settings_of_the_request(live: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    carrier = Provider()
    monkeypatch.setattr(voice, "get_carrier", lambda: carrier.carrier)
    flow = make_flow(
        live.company.org_id, voice="p", provider_agent_id="agent_7", system_prompt="Be brief.", caller_id="+12125550100"
    )
    call_id = live.initiate(agent_id="agent_7", variables={"a": "1"}, first_message_override="Hi {{a}}").json()[
        "call_id"
    ]
    dialing.dial_call(live.company.org_id, call_id)
    (dial,), (placement,) = carrier.dialed, carrier.placements
    assert (dial.prompt, dial.greeting, dict(dial.variables)) == ("Be brief.", f"{FIRST} Hi {{{{a}}}}", {"a": "1"})
    assert (dial.provider_agent_id, dial.voice_id, placement.from_number) == ("agent_7", "p", "+12125550100")
    assert (read_call(live, call_id).flow_id, read_call(live, call_id).agent_ref) == (flow.id, "agent_7")
    assert read_call(live, call_id).tier == "premium"
