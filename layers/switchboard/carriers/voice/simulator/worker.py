"""The worker of the simulated provider: performs the next step of a call, and reports it by a callback.

Reports are posted to the setting CALLBACKS_URL. Without this setting, as in a deployment without a domain, this process
receives the signed callback itself, by the same code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

from switchboard import telemetry
from switchboard.aws import queues
from switchboard.carriers.voice.ports import reports
from switchboard.carriers.voice.ports.reports import EndReason, Recording, Report
from switchboard.carriers.voice.simulator import callbacks, course, state
from switchboard.carriers.voice.simulator.course import Step
from switchboard.carriers.voice.simulator.forms import SIMULATOR_QUEUE, CallbackRefusedError
from switchboard.carriers.voice.simulator.state import LegState
from switchboard.kit import clock, settings
from switchboard.kit.jobs import QueueMessage

_POST_SECONDS = 10.0


class _DelayedReport(NamedTuple):
    """A report, and its delay in steps."""

    report: Report
    steps: int


def queue_course(leg: LegState) -> None:
    """Queues all steps of a call, so that the call continues after a restart."""
    queues.send_messages(_message(leg, {"step": number}, step.steps) for number, step in enumerate(leg.course))


def hang_up_leg(leg: LegState) -> None:
    """Ends a call from our side, and queues the reports. Reports again if repeated: the first reports may be lost."""
    after = leg if leg.hung_up else state.advance_leg(leg.org_id, leg.call_id, _hangup_facts(leg))
    if after is not None:
        over: dict[str, Any] = {"end_reason": after.end_reason, "duration_seconds": after.duration_seconds}
        _queue(after, [*_reports_of(after, "ended", **over), *_talk_reports(after)])


def _hangup_facts(leg: LegState) -> dict[str, Any]:
    """Returns the provider's facts about a call that our side hangs up now."""
    return {"hung_up": True, **_end_facts(leg, EndReason.AGENT_HANGUP, clock.now_iso())}


def _end_facts(leg: LegState, reason: EndReason, at: str) -> dict[str, Any]:
    seconds = clock.seconds_between(clock.parse(leg.answered_at), clock.parse(at)) if leg.answered_at else 0
    return {"over": True, "ended_at": at, "end_reason": reason.value, "duration_seconds": seconds}


def apply_command(leg: LegState, facts: dict[str, Any], kind: reports.ReportKind | None = None, **told: Any) -> None:
    """Stores the changes of a command, and queues its report."""
    after = state.advance_leg(leg.org_id, leg.call_id, facts)
    if after is not None and kind is not None:
        _queue(after, _reports_of(after, kind, **told))


def handle_message(body: dict[str, Any]) -> None:
    """Handles a message of the queue: a step to perform, or a callback to post. Raises CallbackRefusedError."""
    if "post" in body:
        post_report(Report.model_validate(body["post"]))
    else:
        _perform_step(body["org_id"], body["call_id"], body["step"])


def _perform_step(org_id: str, call_id: str, number: int) -> None:
    leg = state.get_leg(org_id, call_id)
    if leg is None or leg.hung_up:
        telemetry.log_skip("the simulated call is gone, or hung up", org_id=org_id, call_id=call_id, step=number)
        return
    for place in (*_missed_steps(leg, number), number):
        _play_step(leg, place)


def _missed_steps(leg: LegState, number: int) -> range:
    """Returns the steps to perform before the end of a call.

    After a standstill of the queue all steps of a call are due, in any order, and no step counts after the end.
    """
    if leg.over or leg.course[number].kind != "ended":
        return range(0)
    answers = any(step.kind == "answered" for step in leg.course)
    return range(0 if answers and not leg.answered_at else leg.played, number)


def _play_step(leg: LegState, number: int) -> None:
    org_id, call_id, step = leg.org_id, leg.call_id, leg.course[number]
    # If the worker was killed between the end and its report, the end is reported now.
    after = (
        leg if leg.over and step.kind == "ended" else state.advance_leg(org_id, call_id, _step_facts(leg, step, number))
    )
    if after is None:
        telemetry.log_skip("the step was performed before", org_id=org_id, call_id=call_id, step=number)
        return
    facts = step.facts
    if step.kind == "ended":
        facts = {**facts, "duration_seconds": after.duration_seconds}
    told = _reports_of(after, step.kind, at=_moment_of(leg, step), **facts)
    if step.kind == "ended":
        told += _talk_reports(after)
    _queue(after, [one for one in told if one.steps])
    for one in told:
        if not one.steps:
            post_report(one.report)


def _step_facts(leg: LegState, step: Step, number: int) -> dict[str, Any]:
    """Returns the provider's facts about a call after a step."""
    known: dict[str, Any] = {"played": max(leg.played, number + 1)}
    if step.kind == "answered":
        known["answered_at"] = _moment_of(leg, step)
    if step.kind == "ended":
        known |= _end_facts(leg, EndReason(step.facts["end_reason"]), _moment_of(leg, step))
    return known


def _moment_of(leg: LegState, step: Step) -> str:
    """Returns the time of a step by the provider's clock. A busy worker performs it later."""
    planned = clock.parse(leg.placed_at) + timedelta(seconds=step.steps * leg.step_seconds)
    return clock.format_iso(min(planned, clock.now()))


def _talk_reports(leg: LegState) -> list[_DelayedReport]:
    """Returns the reports one step after the end of a talk: its recording and its analysis."""
    if leg.answered_at is None:
        return []
    later = leg.model_copy(update={"sequence": leg.sequence + 1})
    told = _reports_of(later, "analyzed", 1, outcome=leg.outcome, summary=leg.summary)
    if not leg.record:
        return told
    url = f"https://simulator.invalid/recordings/{leg.call_id}.wav"
    made = Recording(id=f"rec_{leg.call_id}", url=url, duration_seconds=leg.duration_seconds or 0)
    return [*_reports_of(later, "recorded", 1, recording=made), *told]


def _reports_of(leg: LegState, kind: reports.ReportKind, steps: int = 0, **facts: Any) -> list[_DelayedReport]:
    """Returns the reports of an event: one after `steps` steps, or several late ones from an unruly provider."""
    ids = {"provider_call_id": leg.leg_id, "provider_conversation_id": leg.conversation_id}
    what = {"org_id": leg.org_id, "call_id": leg.call_id, "kind": kind, "sequence": leg.sequence}
    report = Report.model_validate({"at": clock.now_iso()} | what | ids | facts)
    delays = course.report_delays(leg.to_number, leg.call_id, leg.sequence)
    return [_DelayedReport(report, steps + delay) for delay in delays]


def _queue(leg: LegState, told: Iterable[_DelayedReport]) -> None:
    posts = ((one.report.model_dump(mode="json", exclude_none=True), one.steps) for one in told)
    queues.send_messages(_message(leg, {"post": post}, steps) for post, steps in posts)


def _message(leg: LegState, what: dict[str, Any], steps: int) -> QueueMessage:
    body = {"org_id": leg.org_id, "call_id": leg.call_id, **what}
    return QueueMessage(queue=SIMULATOR_QUEUE, body=body, group=leg.org_id, delay=steps * leg.step_seconds)


def post_report(report: Report) -> None:
    callback = callbacks.sign(report)
    base = settings.text("CALLBACKS_URL", "")
    if base:
        status = asyncio.run(_send(base.rstrip("/") + callback.path, callback))
        if status != HTTPStatus.OK:
            raise CallbackRefusedError(f"the callback got status {status}")
        return
    receiver = callbacks.find_receiver(callback.path)
    if receiver.verify_signature(callback) is None:
        raise CallbackRefusedError("the callback's signature is invalid")
    queues.send_messages(reports.report_messages(receiver.read_reports(callback)))


async def _send(url: str, callback: callbacks.SimulatedCallback) -> int:
    from switchboard.outbound.client import GuardedClient  # for cold start: loaded with the first callback

    async with GuardedClient() as web:
        return (await web.post(url, callback.headers, callback.body, _POST_SECONDS)).status
