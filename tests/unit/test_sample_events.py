"""The sample events: each runs through its handler and has its effect."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra import topology
from infra.local import demo, invoke, pool, samples
from switchboard.access import keys as access
from switchboard.accounts import organizations
from switchboard.accounts.models import KeyKind
from switchboard.accounts.plans import PlanName
from switchboard.audit import service as audit
from switchboard.aws import clients, objects, reads
from switchboard.aws.writes import commit
from switchboard.brands import service as brands
from switchboard.calls import history, summaries
from switchboard.calls import store as calls
from switchboard.calls.models import State
from switchboard.campaigns import service as campaigns
from switchboard.contacts import service as contacts
from switchboard.email import store
from switchboard.email.jobs import SendMail
from switchboard.email.models import MailState
from switchboard.kit import clock, settings
from switchboard.messaging import store as messaging
from switchboard.messaging.models import Author, MessageStatus, TextMedia
from switchboard.messaging.threads import conversation_id_of
from switchboard.numbers import service as numbers
from switchboard.offboarding import service as offboarding
from switchboard.offboarding.models import Phase
from switchboard.roleplay import calls as roleplay
from switchboard.roleplay.models import RoleplayState
from switchboard.timers import service as timers
from switchboard.voicemails import store as voicemails
from switchboard.webhooks import deliveries
from switchboard.widgets import session_store
from switchboard.widgets.models import WidgetSessionState
from tests.actors import system
from tests.unit.messaging.desk import make_conversation, make_text
from tests.unit.messaging.texts_out import give_number

ROOT = Path(__file__).resolve().parents[2]
EVENTS = ROOT / "events"
DONE = {"batchItemFailures": []}


@pytest.fixture
def organization(cloud: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The demo organization."""
    return demo.seed_demo(tmp_path / "demo.json")


@pytest.fixture
def run(organization: dict[str, str]) -> Callable[[str, str], tuple[Any, Any]]:
    """Runs a function on a sample event. Returns the event and the handler's response."""

    def run(name: str, sample: str) -> tuple[Any, Any]:
        event = samples.fill_sample((EVENTS / f"{sample}.json").read_text(), organization)
        return event, pool.invoke(name, event)

    return run


Run = Callable[[str, str], tuple[Any, Any]]


def parse_job(event: Any) -> Any:
    return json.loads(event["Records"][0]["body"])


def receive_jobs(queue: str) -> list[Any]:
    answer = clients.get_client("sqs").receive_message(QueueUrl=settings.queue_url(queue), MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def load_state(org_id: str, message_id: str) -> MailState:
    message = store.get_message(org_id, message_id)
    assert message is not None
    return message.state


def test_anima_sign_up_makes_an_agent_with_a_key(run: Run) -> None:
    _, answer = run("anima/signup", "anima-sign-up")
    made = json.loads(answer["body"])
    snapshot = access.authenticate_key(made["api_key"], frozenset({KeyKind.AGENT}))
    assert (answer["statusCode"], snapshot.key.agent_id) == (200, made["agent_id"])


def test_anima_email_send_queues_a_mail(run: Run, organization: dict[str, str]) -> None:
    _, answer = run("anima/email", "anima-email-send")
    assert answer["statusCode"] == 200
    assert load_state(organization["ORGANIZATION_ID"], json.loads(answer["body"])["id"]) is MailState.QUEUED


def test_opticomm_initiate_call_accepts_a_call(run: Run, organization: dict[str, str]) -> None:
    _, answer = run("opticomm/external_api", "opticomm-initiate-call")
    assert answer["statusCode"] == 200
    call = calls.CALLS.get_object(organization["ORGANIZATION_ID"], json.loads(answer["body"])["call_id"])
    assert call is not None
    assert (call.state, call.simulated) == (State.CREATED, True)


def test_hum_upsert_contact_makes_a_contact(run: Run, organization: dict[str, str]) -> None:
    _, answer = run("hum/contacts", "hum-upsert-contact")
    assert answer["statusCode"] == 200
    found, _ = contacts.list_contacts(organization["ORGANIZATION_ID"], "ada", 10, None)
    assert [one.contact.id for one in found] == [json.loads(answer["body"])["id"]]


def test_sqs_email_sends_a_queued_mail(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/email", "sqs-email")
    assert answer == DONE
    assert load_state(organization["ORGANIZATION_ID"], parse_job(event)["message_id"]) is MailState.SENT


def test_sqs_email_events_tell_that_a_mail_was_delivered(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/email_events", "sqs-email-events")
    assert answer == DONE
    message_id = parse_job(event)["mail"]["tags"]["switchboard-message"][0]
    assert load_state(organization["ORGANIZATION_ID"], message_id) is MailState.DELIVERED


def test_sqs_dialer_dials_an_accepted_call(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/dialer", "sqs-dialer")
    assert answer == DONE
    call = calls.CALLS.get_object(organization["ORGANIZATION_ID"], parse_job(event)["call_id"])
    assert call is not None
    assert call.state is State.RINGING
    assert [body["step"] for body in receive_jobs("simulator")] == [0], "the rest follows step by step"


def test_sqs_voice_events_tell_that_a_call_was_answered(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/voice_events", "sqs-voice-events")
    assert answer == DONE
    call = calls.CALLS.get_object(organization["ORGANIZATION_ID"], parse_job(event)["call_id"])
    assert call is not None
    assert call.state is State.ACTIVE


def test_sqs_inbound_mail_lands_in_the_agents_inbox(run: Run, organization: dict[str, str]) -> None:
    _, answer = run("callbacks/email", "sqs-inbound-mail")
    assert answer == DONE
    ((found,), _) = store.list_messages(organization["ORGANIZATION_ID"], None, {"direction": ["INBOUND"]}, 10, None)
    assert (found.subject, found.state) == ("A question", MailState.RECEIVED)


def test_sqs_roleplay_begins_a_call(run: Run) -> None:
    event, answer = run("workers/roleplay", "sqs-roleplay")
    assert answer == DONE
    first = min(receive_jobs("roleplay"), key=lambda body: body["kind"] != "live")
    assert (first["kind"], first["call_id"]) == ("live", parse_job(event)["call_id"])


def test_sqs_widgets_ends_a_session(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/widgets", "sqs-widgets")
    assert answer == DONE
    session = session_store.SESSIONS.get_object(organization["ORGANIZATION_ID"], parse_job(event)["session_id"])
    assert session is not None
    assert session.state is WidgetSessionState.SETTLED


def test_sqs_scoring_scores_a_call(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/scoring", "sqs-scoring")
    assert answer == DONE
    call = roleplay.find_call(organization["ORGANIZATION_ID"], parse_job(event)["call_id"])
    assert call is not None
    assert call.state is RoleplayState.SCORED


def test_sqs_contacts_lets_a_contact_be_found_by_its_notes(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/contacts", "sqs-contacts")
    assert answer == DONE
    (known,) = contacts.list_contacts(organization["ORGANIZATION_ID"], "noon", 10, None)[0]
    assert [known.contact.id] == parse_job(event)["contact_ids"]


def test_sqs_brands_takes_a_step_of_a_registration(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/brands", "sqs-brands")
    assert answer == DONE
    done = brands.get_brand(organization["ORGANIZATION_ID"])
    assert (done.turn, done.done) == (parse_job(event)["turn"] + 1, ["customer_profile"])


def test_sqs_numbers_configures_a_number_at_its_provider(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/numbers", "sqs-numbers")
    assert answer == DONE
    number = numbers.get_number(organization["ORGANIZATION_ID"], parse_job(event)["number_id"])
    item = reads.get_item("core", {"pk": f"{number.org_id}#simulated-numbers", "sk": number.sid})
    assert item
    assert item["friendly_name"] == number.friendly_name


def test_sqs_projections_count_a_call_with_its_number(run: Run, organization: dict[str, str]) -> None:
    # The event of the sample is of this day, and old events are not counted.
    with clock.using(clock.FrozenClock("2026-01-15T18:00:00Z")):
        event, answer = run("workers/projections", "sqs-projections")
        assert answer == DONE
        assert pool.invoke("workers/projections", event) == DONE, "a job that comes again"
    (past,) = history.list_histories(organization["ORGANIZATION_ID"], None, 10)
    assert past.calls == 1


def test_sqs_webhooks_makes_a_delivery_of_an_event(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/webhooks", "sqs-webhooks")
    assert answer == DONE
    (body,) = receive_jobs("deliveries")
    made = body["made"]
    assert (made["event"], made["subject_id"]) == ("message.sent", parse_job(event)["event"]["subject"]["id"])


def attempted(org_id: str, event: Any) -> tuple[int, str | None]:
    delivery = deliveries.get_delivery(org_id, parse_job(event)["delivery_id"])
    return delivery.attempts, delivery.error


def test_sqs_deliveries_leaves_an_endpoint_without_a_record_to_the_slow_workers(
    run: Run, organization: dict[str, str]
) -> None:
    event, answer = run("workers/deliveries", "sqs-deliveries")
    assert answer == DONE
    assert attempted(organization["ORGANIZATION_ID"], event) == (0, None)
    assert parse_job(event) in receive_jobs("slow-deliveries")


def test_sqs_slow_deliveries_records_an_attempt(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/slow_deliveries", "sqs-slow-deliveries")
    assert answer == DONE
    assert attempted(organization["ORGANIZATION_ID"], event) == (1, "the connection was refused")


def test_sqs_audit_seals_the_events_in_order(run: Run, organization: dict[str, str]) -> None:
    _, answer = run("workers/audit", "sqs-audit")
    assert answer == DONE
    links = list(audit.export_documents(organization["ORGANIZATION_ID"], 0, 10))
    assert [link["action"] for link in links] == ["email.queued", "email.sent", "email.delivered"]


def test_stream_activity_reaches_the_queues_of_its_type(run: Run) -> None:
    _, answer = run("workers/fanout", "stream-activity")
    assert answer == DONE
    assert [body["job"] for body in receive_jobs("email")] == ["SendMail"]
    assert [event["type"] for body in receive_jobs("audit") for event in body["events"]] == ["email.queued"]


def test_schedule_tick_hands_the_minutes_to_the_workers(run: Run) -> None:
    # The first tick looks an hour back: more than one job processes.
    run("schedules/tick", "schedule-tick")
    with clock.using(clock.FrozenClock(clock.format_iso(clock.now() + timedelta(minutes=1)))):
        _, answer = run("schedules/tick", "schedule-tick")
    assert answer == {"jobs": 1}
    assert {(body["job"], body["shard"]) for body in receive_jobs("timers")} == {("FireTimers", 0)}


def test_schedule_law_counts_what_should_have_been_looked_up_again(run: Run) -> None:
    with clock.using(clock.FrozenClock("2026-01-15T12:00:00Z")):
        _, answer = run("schedules/law", "schedule-law")
    assert answer == {"overdue": 0}


def test_sqs_timers_hands_on_what_is_due(run: Run) -> None:
    job = SendMail(org_id="org_sample", message_id="msg_sample")
    with clock.using(clock.FrozenClock("2026-01-15T16:00:30Z")):
        commit(timers.schedule(job, clock.now() + timedelta(hours=1)).write)
    _, answer = run("workers/timers", "sqs-timers")
    assert answer == DONE
    assert [body["message_id"] for body in receive_jobs("email")] == ["msg_sample"]


def test_sqs_simulator_lets_a_call_be_answered(run: Run) -> None:
    _, answer = run("workers/simulator", "sqs-simulator")
    assert answer == DONE
    assert [body["kind"] for body in receive_jobs("voice-events")] == ["answered"]


def test_simulator_callback_reports_that_a_call_was_answered(run: Run) -> None:
    _, answer = run("callbacks/simulator", "simulator-callback")
    assert (answer["statusCode"], answer["body"]) == (200, "")
    assert [body["kind"] for body in receive_jobs("voice-events")] == ["answered"]


def test_twilio_voice_asks_for_the_script_of_a_call_in(run: Run, organization: dict[str, str]) -> None:
    _, answer = run("callbacks/twilio", "twilio-voice")
    assert answer["statusCode"] == 200
    assert answer["body"].startswith('<?xml version="1.0" encoding="UTF-8"?><Response><Say')
    found, _ = calls.list_calls(organization["ORGANIZATION_ID"], None, [], "INBOUND", 10, None)
    assert [call.declined for call in found] == ["no_flow"]


def test_twilio_sms_brings_a_text_to_one_of_our_numbers(run: Run) -> None:
    _, answer = run("callbacks/twilio_texts", "twilio-sms")
    assert (answer["statusCode"], answer["body"]) == (200, '<?xml version="1.0" encoding="UTF-8"?><Response/>')
    assert [(body["kind"], body["body"]) for body in receive_jobs("text-reports")] == [("incoming", "Are you open?")]


def test_sqs_text_reports_store_a_text_that_came_in(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/text_reports", "sqs-text-reports")
    assert answer == DONE
    told, org_id = parse_job(event), organization["ORGANIZATION_ID"]
    conversation_id = conversation_id_of(org_id, told["number_id"], told["from_number"])
    (text,), _ = messaging.list_messages(org_id, conversation_id, 10)
    assert (text.body, text.direction, text.provider_sid) == ("Are you open on Sunday?", "inbound", f"SM{'5' * 32}")


def test_sqs_replies_answer_a_text(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/replies", "sqs-replies")
    assert answer == DONE
    texts, _ = messaging.list_messages(organization["ORGANIZATION_ID"], parse_job(event)["conversation_id"], 10)
    assert [text.author.value for text in texts] == ["ai", "contact"]


def test_sqs_triggers_send_a_job_for_each_flow(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/triggers", "sqs-triggers")
    assert answer == DONE
    (job,) = receive_jobs("triggers")
    assert (job["job"], job["firing_id"]) == ("StartFlow", parse_job(event)["firing_id"])


def test_sqs_texts_sends_a_queued_text(run: Run, organization: dict[str, str]) -> None:
    number = give_number(organization["ORGANIZATION_ID"], provider="simulator")
    talk = make_conversation(number.org_id, number_id=number.id, simulated=True).model_copy(update={"id": "cnv_sample"})
    text = make_text(talk, author=Author.SYSTEM, simulated=True)
    commit(messaging.new_message_write(text.model_copy(update={"id": "sms_sample"})))
    _, answer = run("workers/texts", "sqs-texts")
    assert answer == DONE
    sent = messaging.get_message(talk.org_id, "cnv_sample", "sms_sample")
    assert sent is not None
    assert sent.status is MessageStatus.ACCEPTED


def test_sqs_text_media_says_why_a_file_cannot_be_stored(run: Run, organization: dict[str, str]) -> None:
    talk = make_conversation(organization["ORGANIZATION_ID"]).model_copy(update={"id": "cnv_sample"})
    came = make_text(talk, direction="inbound", media=[TextMedia(carrier_url="https://10.0.0.1/a")])
    commit(messaging.new_message_write(came.model_copy(update={"id": "sms_sample"})))
    _, answer = run("workers/text_media", "sqs-text-media")
    assert answer == DONE
    after = messaging.get_message(talk.org_id, "cnv_sample", "sms_sample")
    assert after is not None
    assert (after.media[0].error or "").startswith("the address is not allowed")


def test_sqs_recordings_store_the_message_of_a_caller(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/recordings", "sqs-recordings")
    assert answer == DONE
    call = calls.CALLS.get_object(organization["ORGANIZATION_ID"], parse_job(event)["call_id"])
    assert call is not None
    (recording,) = call.recordings
    assert recording.key == f"{call.org_id}/calls/{call.id}/{recording.id}.wav"
    assert objects.read_object("recordings", recording.key, 10**6, 10).content[:4] == b"RIFF"


def test_sqs_summaries_summarize_a_call_that_is_over(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/summaries", "sqs-summaries")
    assert answer == DONE
    summary = summaries.get_summary(organization["ORGANIZATION_ID"], parse_job(event)["call_id"])
    assert summary is not None
    assert summary.tldr


def test_sqs_voicemails_create_the_voicemail_of_a_message(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/voicemails", "sqs-voicemails")
    assert answer == DONE
    call = calls.CALLS.get_object(organization["ORGANIZATION_ID"], parse_job(event)["call_id"])
    assert call is not None
    page = voicemails.LISTING.places(call.org_id, {}, 10)
    voicemail = voicemails.VOICEMAILS.get_object(call.org_id, page[0].split("#")[1])
    assert voicemail is not None
    assert (voicemail.call_id, voicemail.audio_key) == (call.id, call.recordings[0].key)


def test_sqs_recipients_import_the_rows_of_a_batch(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/recipients", "sqs-recipients")
    assert answer == DONE
    record = campaigns.get_campaign(organization["ORGANIZATION_ID"], parse_job(event)["campaign_id"])
    assert (record.campaign.waiting, record.counts.pending) == ([], 1)


def test_sqs_campaigns_start_a_campaign(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/campaigns", "sqs-campaigns")
    assert answer == DONE
    record = campaigns.get_campaign(organization["ORGANIZATION_ID"], parse_job(event)["campaign_id"])
    assert record.campaign.status == "running"


def test_sqs_digests_write_the_digest_of_a_voicemail(run: Run, organization: dict[str, str]) -> None:
    event, answer = run("workers/digests", "sqs-digests")
    assert answer == DONE
    voicemail = voicemails.VOICEMAILS.get_object(
        organization["ORGANIZATION_ID"], json.loads(event["Records"][0]["body"])["voicemail_id"]
    )
    assert voicemail is not None
    assert voicemail.ai_summary is not None
    assert voicemail.ai_summary.categories == ["appointment", "callback"]


def test_livekit_webhook_reports_that_the_rep_is_in(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clients.get_client("secretsmanager").create_secret(Name="livekit", SecretString="s" * 32)
    monkeypatch.setenv("SWITCHBOARD_LIVEKIT_SECRET", "livekit")
    _, answer = run("callbacks/livekit", "livekit-webhook")
    assert (answer["statusCode"], answer["body"]) == (200, "")
    (body,) = receive_jobs("roleplay")
    assert body["kind"] == "live"


def test_sqs_billing_moves_an_organization_to_the_plan_that_it_has_paid(
    run: Run, organization: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_PAYMENTS_CARRIER", "simulator")
    _, answer = run("workers/billing", "sqs-billing")
    assert answer == DONE
    assert organizations.get_organization(organization["ORGANIZATION_ID"]).plan is PlanName.SCALE


def test_stripe_webhook_queues_the_customer_whose_subscription_changed(
    run: Run, organization: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_PAYMENTS_CARRIER", "simulator")
    _, answer = run("callbacks/stripe", "stripe-webhook")
    assert (answer["statusCode"], answer["body"]) == (200, "")
    jobs = [body for body in receive_jobs("billing") if body.get("job") == "ApplyPaymentEvent"]
    assert [body["customer_id"] for body in jobs] == [f"cus_{organization['ORGANIZATION_ID']}"]


def test_there_is_a_sample_for_every_kind_of_trigger() -> None:
    names = {path.stem for path in EVENTS.glob("*.json")}
    triggers = {
        *(f"sqs-{queue.name}" for queue in topology.QUEUES),
        *(f"stream-{worker.stream}" for worker in topology.WORKERS if worker.stream),
        *(schedule.name.replace("schedules/", "schedule-") for schedule in topology.SCHEDULES),
    }
    missing = sorted(f"events/{name}.json" for name in triggers - names)
    assert not missing, f"add {missing}: copy another sample, and make its data in infra/local/samples.py"


def test_there_is_a_test_for_every_sample() -> None:
    # A noun may have the test of its sample beside its other tests.
    texts = (path.read_text() for path in (ROOT / "tests" / "unit").rglob("test_*.py"))
    tested = {name for text in texts for name in re.findall(r"def test_(\w+)", text)}
    for path in EVENTS.glob("*.json"):
        begin = path.stem.replace("-", "_")
        assert any(name.startswith(begin) for name in tested), (
            f"events/{path.name}: add a test test_{begin}_… to tests/unit/test_sample_events.py or to its noun's tests"
        )


def test_invoke_prints_the_response_only(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.local.invoke", "anima/email", str(EVENTS / "anima-email-send.json")]
    done = subprocess.run(command, cwd=ROOT, env={"SWITCHBOARD_HOME": str(tmp_path)}, capture_output=True, check=True)
    assert json.loads(done.stdout)["statusCode"] == 200


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "usage"),
        (["anima/none", "events/anima-email-send.json"], "There is no function anima/none"),
        (["anima/email", "events/none.json"], "none.json"),
    ],
)
def test_invoke_reports_missing_arguments(arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["invoke", *arguments])
    with pytest.raises(SystemExit, match=message):
        invoke.main()


def test_sqs_offboarding_continues_a_deletion(run: Run, organization: dict[str, str]) -> None:
    org_id = organization["ORGANIZATION_ID"]
    offboarding.begin_deletion(system(org_id))
    _, answer = run("workers/offboarding", "sqs-offboarding")
    assert answer == DONE
    assert offboarding.get_deletion(org_id).phase is Phase.WAITING
