"""The choice of the carrier of texts, and the meaning of its codes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from switchboard.carriers import messages
from switchboard.carriers.messages import codes
from switchboard.carriers.messages.simulator import SimulatedMessenger
from switchboard.carriers.messages.twilio.messenger import TwilioMessenger
from switchboard.errors import Unavailable


@pytest.mark.parametrize(
    ("stage", "carrier", "live"),
    [
        ("local", None, "simulator"),
        ("local", "twilio", "twilio"),
        ("prod", None, "none"),
        ("prod", "twilio", "twilio"),
        ("prod", "simulator", "none"),
        ("prod", "pigeon", "none"),
    ],
)
def test_a_simulation_carries_live_texts_in_no_deployment(
    monkeypatch: pytest.MonkeyPatch, stage: str, carrier: str | None, live: str
) -> None:
    monkeypatch.setenv("SWITCHBOARD_STAGE", stage)
    if carrier:
        monkeypatch.setenv("SWITCHBOARD_TEXTS_CARRIER", carrier)
    assert (messages.messenger_name(simulated=False), messages.messenger_name(simulated=True)) == (live, "simulator")


def test_a_live_text_without_a_carrier_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_STAGE", "prod")
    for ask in (lambda: messages.require_messenger(simulated=False), lambda: messages.get_messenger(simulated=False)):
        with pytest.raises(Unavailable) as refused:
            ask()
        assert refused.value.code == "no_carrier"
    messages.require_messenger(simulated=True)


def test_each_name_has_its_carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_TEXTS_CARRIER", "twilio")
    assert isinstance(messages.get_messenger(simulated=False), TwilioMessenger)
    assert isinstance(messages.get_messenger(simulated=True), SimulatedMessenger)


def test_simulated_texts_and_callbacks_load_no_sdk() -> None:
    program = """
import sys
from switchboard.carriers import messages
from switchboard.messaging import text_callbacks
messages.get_messenger(simulated=True)
sys.exit("the SDK is loaded" if any(name.split(".")[0] == "twilio" for name in sys.modules) else 0)
"""
    path = ":".join(one for one in sys.path if one)
    subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": path}, check=True)


def test_codes_are_explained_in_plain_words() -> None:
    assert codes.explain_code(30003) == "The telephone is switched off or cannot be reached."
    assert codes.explain_code(31999) == "The carrier gives the code 31999."
    assert codes.explain_code(None) == "The carrier gives no reason."


def test_only_one_code_is_an_opt_out() -> None:
    opted_out = [code for code in (None, 21211, 21610, 21614, 30003, 30004, 30007) if codes.is_opt_out(code)]
    assert opted_out == [21610]
