"""A worker that decides to do nothing logs one line that says why, with ids only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from infra import topology
from infra.local import pool
from switchboard import telemetry
from switchboard.aws.writes import commit
from switchboard.events import service as events
from switchboard.events.models import Event, Subject
from switchboard.kit import ids
from tests.actors import system, tenant
from tests.conftest import Skips

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

ROOT = Path(__file__).resolve().parents[2]
ORG = "org_00000000000000000000000000"
CALL = {"org_id": ORG, "call_id": "call_none"}
TEXT = {"org_id": ORG, "conversation_id": "cnv_none", "message_id": "sms_none"}
CAMPAIGN = {"org_id": ORG, "campaign_id": "cmp_none"}
MAIL = {"org_id": ORG, "message_id": "msg_none"}
DELIVERY = {
    "job": "DeliverWebhook",
    "org_id": ORG,
    "delivery_id": "dlv_none",
    "endpoint_id": "wh_none",
    "attempt": 1,
}
TAGS = {"switchboard-org": [ORG], "switchboard-message": ["msg_none"]}

#: For each worker of a queue jobs that find nothing to do.
NOTHING_TO_DO: dict[str, list[dict[str, Any]]] = {
    "workers/timers": [{"job": "FireTimers", "shard": 0, "first": "2026-01-15T17:00", "last": "2026-01-15T17:00"}],
    "workers/email": [
        {"job": "SendMail", **MAIL},
        {"job": "WatchMail", **MAIL},
        {"job": "ConfirmMail", **MAIL, "claim": 1},
    ],
    "workers/email_events": [
        {"eventType": "Delivery", "mail": {"messageId": "ses-1", "tags": {}}},
        {"eventType": "Unknown", "mail": {"messageId": "ses-1", "tags": TAGS}},
    ],
    "callbacks/email": [{"notificationType": "Unknown"}],
    "workers/recipients": [
        {"job": "ImportRecipients", **CAMPAIGN, "batch_id": "bat_none", "done": 0},
        {"job": "AttributeReply", "org_id": ORG, "conversation_id": "cnv_none", "message_id": "sms_none"},
    ],
    "workers/campaigns": [{"job": "StartCampaign", **CAMPAIGN, "launch": 1}],
    "workers/dialer": [
        {"job": "DialCall", **CALL},
        {"job": "WakeWaiting", **CALL},
        {"job": "WatchWaiting", **CALL, "looks": 0},
        {"job": "ConfirmDial", **CALL, "claim": 1},
        {"job": "HangUp", **CALL},
        {"job": "CloseCall", **CALL, "state": "DIALING"},
    ],
    "workers/voice_events": [{**CALL, "kind": "ringing"}],
    "workers/text_reports": [
        {"kind": "status", **TEXT, "provider_sid": "SM1", "status": "sent", "reported_at": "2026-01-15T17:00:00.000Z"},
        {
            "kind": "incoming",
            "org_id": ORG,
            "number_id": "num_none",
            "provider_sid": "SM1",
            "from_number": "+14155550142",
            "to_number": "+14155550199",
            "received_at": "2026-01-15T17:00:00.000Z",
        },
    ],
    "workers/text_media": [{"job": "FetchTextMedia", **TEXT}],
    "workers/simulator": [{**CALL, "step": 0}, {"org_id": ORG, "call_sid": "CA_none", "step": 0}],
    "workers/recordings": [
        {"job": "FetchRecording", **CALL, "recording_id": "RE_none"},
        {"job": "ForgetRecording", **CALL, "recording_id": "RE_none"},
        {"job": "CloseVoicemail", **CALL},
    ],
    "workers/summaries": [{"job": "SummarizeCall", **CALL}],
    "workers/texts": [
        {"job": "SendText", **TEXT},
        {"job": "ConfirmText", **TEXT, "claim": 2},
        {"job": "SendScheduledText", "org_id": ORG, "scheduled_id": "sch_none"},
        {
            "job": "WakeConversation",
            "org_id": ORG,
            "conversation_id": "cnv_none",
            "snoozed_until": "2026-01-15T17:00:00.000Z",
        },
    ],
    "workers/tool_runs": [
        {"job": "RunApprovedTool", "org_id": ORG, "approval_id": "apr_none"},
        {"job": "SettleToolRun", "org_id": ORG, "approval_id": "apr_none"},
        {"job": "ExpireApproval", "org_id": ORG, "approval_id": "apr_none"},
    ],
    "workers/voicemails": [
        {"job": "CreateVoicemail", **CALL, "recording_id": "RE_none"},
        {
            "job": "TranscribeVoicemail",
            "org_id": ORG,
            "voicemail_id": "vm_none",
            "audio_key": "none",
            "media_type": "audio/wav",
            "looks": 8,
        },
    ],
    "workers/digests": [{"job": "SummarizeVoicemail", "org_id": ORG, "voicemail_id": "vm_none"}],
    "workers/roleplay": [
        {"job": "BeginRoleplay", **CALL},
        {"job": "CloseRoleplay", **CALL, "state": "CREATED"},
        {"job": "WatchRoleplay", **CALL, "until": "2026-01-15T17:00:00.000Z"},
        {"job": "CloseRoom", **CALL},
        {"job": "ExpireSession", "org_id": ORG, "session_id": "ses_none"},
        {**CALL, "kind": "live"},
    ],
    "workers/scoring": [{"job": "ScoreRoleplay", **CALL}, {"job": "GiveUpScoring", **CALL}],
    "workers/contacts": [
        {"job": "ContinueBackfill", "org_id": ORG, "backfill_id": "bf_none"},
        {"job": "IndexContacts", "org_id": ORG, "contact_ids": ["con_none"]},
    ],
    "workers/deliveries": [
        {"job": "WakeReceiver", "org_id": ORG, "endpoint_id": "wh_none", "at": "2026-01-15"},
        DELIVERY,
    ],
    "workers/slow_deliveries": [
        {"job": "WakeReceiver", "org_id": ORG, "endpoint_id": "wh_none", "at": "2026-01-15"},
        DELIVERY,
    ],
}
#: The workers whose jobs carry an event. They have tests of their own below.
OF_EVENTS = {"workers/audit", "workers/projections", "workers/webhooks"}


def run(worker: str, *bodies: dict[str, Any]) -> None:
    """Run a worker on the messages with these bodies."""
    records = [
        {
            "messageId": str(number),
            "receiptHandle": str(number),
            "body": json.dumps(body),
            "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": body.get("org_id", ORG)},
            "eventSource": "aws:sqs",
        }
        for number, body in enumerate(bodies)
    ]
    assert pool.invoke(worker, {"Records": records}) == {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("worker", "body"), [(worker, body) for worker, bodies in NOTHING_TO_DO.items() for body in bodies]
)
def test_a_job_without_effect_logs_why_once(skipped: Skips, worker: str, body: dict[str, Any]) -> None:
    run(worker, body)
    ((reason, about),) = skipped
    assert reason
    assert all(str(value) in json.dumps(body) for value in about.values() if value is not None), "only ids of the job"


def an_event() -> Event:
    """A stored event without followers."""
    origin = system(tenant().org_id)
    event = events.new_event(origin, "agent.created", Subject(type="agent", id=ids.new_id("agt")), slug="ada")
    commit(events.event_write(event))
    return event


def test_events_that_are_sealed_are_sealed_once(skipped: Skips) -> None:
    event = an_event()
    body = {"org_id": event.org_id, "events": [event.model_dump(mode="json")]}
    run("workers/audit", body)
    assert not skipped
    run("workers/audit", body)
    assert skipped == [("all of these events are sealed", {"org_id": event.org_id, "events": 1})]


def test_an_event_that_no_endpoint_takes_is_logged(skipped: Skips) -> None:
    event = an_event()
    run("workers/webhooks", {"job": "DispatchEvent", "org_id": event.org_id, "event": event.model_dump(mode="json")})
    assert skipped == [("no endpoint takes the event", {"org_id": event.org_id, "event_id": event.id})]


def test_records_of_the_stream_without_a_message_are_logged(skipped: Skips) -> None:
    record = {"eventName": "REMOVE", "eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": "1"}}
    assert pool.invoke("workers/fanout", {"Records": [record, record]}) == {"batchItemFailures": []}
    assert skipped == [("no record of the batch has a message", {"records": 2})]


@pytest.mark.parametrize("job", ["RecoverDeliveries"])
def test_a_recovery_of_a_deleted_webhook_is_logged(skipped: Skips, job: str) -> None:
    span = {"since": "2026-01-15T00:00:00.000Z", "until": "2026-01-15T17:00:00.000Z"}
    run("workers/webhooks", {"job": job, "org_id": ORG, "endpoint_id": "wh_none", "status": "failed", **span})
    assert [about for _, about in skipped] == [{"org_id": ORG, "endpoint_id": "wh_none"}]


def test_every_worker_of_a_queue_is_tested() -> None:
    workers = {worker.name for worker in topology.WORKERS if worker.queue}
    # A noun may have its test beside its other tests, as `infra/noun` writes it.
    own = {name for name in workers if (ROOT / "tests" / "unit" / name.removeprefix("workers/")).is_dir()}
    missing = workers - NOTHING_TO_DO.keys() - OF_EVENTS - own
    assert not missing, f"add jobs of {sorted(missing)} that find nothing to do to NOTHING_TO_DO in {__file__}"


def test_a_skip_is_one_line_with_its_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = Mock()
    monkeypatch.setattr(telemetry, "logger", lambda: logger)
    telemetry.log_skip("the call is over", org_id=ORG, call_id="call_1", claim=None)
    logger.info.assert_called_once_with("skipped: the call is over", extra={"org_id": ORG, "call_id": "call_1"})
