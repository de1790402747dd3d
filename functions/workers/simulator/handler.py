"""The simulated voice provider: plays its calls out, makes calls in, and posts the callbacks of both.

In a deployment without a domain this process receives the callbacks itself, by the code of the callback functions.
"""

from __future__ import annotations

from typing import Any

from switchboard import workers
from switchboard.aws import queues
from switchboard.calls import twilio_callbacks
from switchboard.calls.twilio_callbacks import CallbackStep
from switchboard.carriers.voice.ports import reports
from switchboard.carriers.voice.simulator import caller, worker
from switchboard.carriers.voice.simulator.caller import SimulatedForm


def _work(body: dict[str, Any]) -> None:
    if "call_sid" in body:
        caller.handle_message(body, _receive)
    else:
        worker.handle_message(body)


def _receive(form: SimulatedForm) -> str:
    account = twilio_callbacks.verify_callback(form)
    if account is None:
        raise worker.CallbackRefusedError("the callback's signature is invalid")
    answer = twilio_callbacks.receive_callback(CallbackStep.of(form.path), form.parameters, account)
    queues.send_messages(reports.report_messages(answer.reports))
    return answer.xml or ""


handler = workers.message_handler(_work)
