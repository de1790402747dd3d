"""LiveKit's webhooks and the reports of agents about roleplays and rooms of calls: `/callbacks/livekit*`.

A signed callback is parsed and queued; a worker applies it. So callbacks may arrive twice, late or in any order. A
callback for an unknown room changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from functions.callbacks.livekit.schemas import RoomReports
from switchboard import telemetry
from switchboard.aws import queues, secret
from switchboard.carriers.rooms import livekit_reports as room_reports
from switchboard.carriers.voice.ports.reports import Report, report_messages
from switchboard.dialects.callbacks.dialect import Answer, Callbacks, answer_nothing
from switchboard.edge import signatures
from switchboard.edge.api import Api
from switchboard.edge.bodies import JSON, RawBody
from switchboard.errors import Invalid, NotFound
from switchboard.kit import background, settings, texts
from switchboard.kit.jobs import QueueMessage
from switchboard.roleplay.transports import livekit_reports

QUEUE = "roleplay"
WEBHOOK_JSON = "application/webhook+json"

api = Api(Callbacks(), "livekit", tag="LiveKit")


def _secrets() -> Sequence[str]:
    # Without a configured transport there is no secret, so no signature is valid.
    name = settings.text("LIVEKIT_SECRET", "")
    return secret.active_secrets(name) if name else ()


_VERIFY = signatures.livekit_verifier("livekit", _secrets)


@api.post(
    "/callbacks/livekit",
    summary="Receive a webhook of LiveKit's server",
    operation_id="receiveLiveKitWebhook",
    body=RawBody(verify=_VERIFY, types=frozenset({WEBHOOK_JSON, JSON})),
)
def receive_webhook() -> Answer:
    event = _parse_body()
    call_report = room_reports.of_webhook(event)
    if call_report is not None:
        _queue_call_reports([call_report])
        return answer_nothing()
    report = livekit_reports.of_webhook(event)
    if report is None:
        name = event.get("event") if isinstance(event, dict) else None
        telemetry.logger().info("skipped a webhook without an effect", extra={"livekit_event": str(name)[:60]})
    else:
        _queue([report])
    return answer_nothing()


@api.post(
    "/callbacks/livekit/reports",
    summary="Receive turns and the end of a room from the persona's agent",
    operation_id="reportRoom",
    body=RawBody(verify=_VERIFY),
    responses={400: "The reports are not valid.", 404: "The room does not belong to this platform."},
)
def report_room() -> Answer:
    try:
        told = RoomReports.model_validate(_parse_body())
    except ValidationError as error:
        telemetry.logger().warning(
            "an agent's reports are not valid", extra={"problems": telemetry.validation_problems(error)}
        )
        raise Invalid("The reports are not valid.") from None
    call_reports = told.to_call_reports()
    if call_reports is not None:
        _queue_call_reports(call_reports)
        return answer_nothing()
    reports = told.to_messages()
    if reports is None:
        raise NotFound("This room does not belong to this platform.")
    _queue(reports)
    return answer_nothing()


def _parse_body() -> Any:
    try:
        return texts.parse_json(api.raw.decode())
    except UnicodeDecodeError:
        raise Invalid("The body is not UTF-8.") from None


def _queue(reports: list[dict[str, Any]]) -> None:
    background.wait_for_guard()  # a request that the rate limiter refuses must not queue anything
    queues.send_messages(QueueMessage(queue=QUEUE, body=report, group=report["org_id"]) for report in reports)


def _queue_call_reports(reports: list[Report]) -> None:
    background.wait_for_guard()  # as above
    queues.send_messages(report_messages(reports))


handler = api.handler
