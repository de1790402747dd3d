"""The simulated provider: plays its calls out, makes calls in, and posts the callbacks of both, of texts and of brands.

In a deployment without a domain this process receives the callbacks itself, by the code of the callback functions.
"""

from __future__ import annotations

from typing import Any

from switchboard import workers
from switchboard.aws import queues
from switchboard.brands import callbacks as brand_callbacks
from switchboard.calls import talk_tools, twilio_callbacks
from switchboard.calls.twilio_callbacks import CallbackStep
from switchboard.carriers.messages.ports.reports import text_report_messages
from switchboard.carriers.messages.simulator import forms as text_forms
from switchboard.carriers.registrations.simulator import forms as registration_forms
from switchboard.carriers.voice.ports import reports
from switchboard.carriers.voice.ports.tools import TalkToolResult
from switchboard.carriers.voice.simulator import caller, tool_calls, worker
from switchboard.carriers.voice.simulator.callbacks import TALK_RECEIVER, SimulatedCallback
from switchboard.carriers.voice.simulator.forms import CallbackRefusedError, SimulatedForm
from switchboard.messaging import text_callbacks
from switchboard.messaging.text_callbacks import TextPlace


def _work(body: dict[str, Any]) -> None:
    if text_forms.TEXT_FORM in body:
        text_forms.handle_message(body, _receive_text)
    elif registration_forms.REGISTRATION_FORM in body:
        registration_forms.handle_message(body, _receive_news)
    elif "call_sid" in body:
        caller.handle_message(body, _receive, _use_tool)
    else:
        worker.handle_message(body)


def _receive(form: SimulatedForm) -> str:
    account = twilio_callbacks.verify_callback(form)
    if account is None:
        raise CallbackRefusedError("the callback's signature is invalid")
    answer = twilio_callbacks.receive_callback(CallbackStep.of(form.path), form.parameters, account)
    queues.send_messages(reports.report_messages(answer.reports))
    return answer.xml or ""


def _use_tool(request: SimulatedCallback) -> TalkToolResult:
    if TALK_RECEIVER.verify_signature(request) is None:
        raise CallbackRefusedError("the signature of the request for a tool is invalid")
    return talk_tools.use_talk_tool(tool_calls.read_tool_call(request))


def _receive_text(form: SimulatedForm) -> str:
    if text_callbacks.verify_callback(form) is None:
        raise CallbackRefusedError("the callback's signature is invalid")
    told = text_callbacks.receive_callback(TextPlace.of(form.path), form.parameters)
    queues.send_messages(text_report_messages(told))
    return text_callbacks.NO_ANSWER


def _receive_news(form: SimulatedForm) -> str:
    if brand_callbacks.verify_callback(form) is None:
        raise CallbackRefusedError("the callback's signature is invalid")
    queues.send_messages(brand_callbacks.news_messages(*brand_callbacks.read_path(form.path)))
    return ""


# A tool of a customer's server may hang. A step that Lambda stops would take the other messages of its batch with it.
handler = workers.message_handler(_work, longest_seconds=tool_calls.STEP_SECONDS)
