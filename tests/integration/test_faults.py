"""Workers under faults: a worker killed between any two of its steps loses nothing and sends nothing twice."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from infra.local.pool import Context
from switchboard.access import keys as access
from switchboard.accounts import keys, organizations
from switchboard.accounts.models import KeyKind
from switchboard.agents import service as agents
from switchboard.audit import chain
from switchboard.audit import service as audit
from switchboard.aws import clients, queues, retries, secret
from switchboard.aws.reads import Query
from switchboard.aws.writes import ConditionFailedError, Put, Update, commit
from switchboard.dialects.anima import dialect
from switchboard.email import service, store
from switchboard.email.jobs import SendMail
from switchboard.email.models import MailDraft, MailState, Message
from switchboard.errors import Unavailable
from switchboard.events import service as events
from switchboard.kit import clock, ids
from switchboard.kit import jobs as kit_jobs
from switchboard.timers import service as timers
from switchboard.timers import store as timer_store
from switchboard.usage import service as usage
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Dying, Sabotage, Stream, drain_queue, invoke, run_tick, run_worker, scan_items

pytestmark = pytest.mark.usefixtures("cloud")

#: The calls of a mail's job: receive, read, claim, send, read, record, delete, and a receive from the empty queue.
MAIL_JOB = ["ReceiveMessage", "BatchGetItem", "TransactWriteItems", "SendMessageBatch"]
MAIL_JOB += ["Query", "TransactWriteItems", "DeleteMessage", "ReceiveMessage"]


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    timer_store.advance_watermark(clock.now_iso()[:16])  # the deployment's first tick has passed
    secret.derive("warm")  # a process fetches the root secret once
    return tenant()


@pytest.fixture
def saboteur(acme: Tenant) -> Sabotage:
    return Sabotage()


@pytest.fixture
def stream(acme: Tenant) -> Stream:
    found = Stream()
    found.hand_on()
    drain_queue("audit")
    return found


# --- mail ---------------------------------------------------------------------------------------------------------


def queue_mail(acme: Tenant) -> Message:
    """A mail with its job in the worker's queue."""
    message = service.send_message(
        acme.caller(correlation_id=ids.new_id("corr")), MailDraft(to=["you@example.com"], subject="s", body="b")
    )
    queues.send_messages([SendMail(org_id=message.org_id, message_id=message.id).message()])
    return message


def load_message(message: Message) -> Message:
    found = store.get_message(message.org_id, message.id)
    assert found is not None
    return found


def list_events(message: Message) -> list[events.Event]:
    """The events of the mail's workflow."""
    partition = events.workflow_partition(message.org_id, message.correlation_id)
    items = Query(table="activity", partition=partition).all()
    return [events.parse_event(item) for item in items if "outbox" in item]


def settle(mails: list[Message], frozen: clock.FrozenClock) -> list[str]:
    """Run everything after the faults. Check that no mail is lost or sent twice. Returns the final states."""
    reports = drain_queue("email-events")
    handed_over = Counter(
        report["mail"]["tags"]["switchboard-message"][0] for report in reports if report["eventType"] == "Send"
    )
    assert handed_over.keys() <= {message.id for message in mails}
    assert set(handed_over.values()) <= {1}
    recorded = {message.id for message in mails if load_message(message).state is MailState.SENT}
    assert {load_message(message).state for message in mails} <= {MailState.SENT, MailState.SENDING}
    frozen.advance(minutes=10, seconds=1)
    run_tick()
    run_worker("workers/email")
    assert {load_message(message).state for message in mails if message.id not in recorded} <= {MailState.UNCONFIRMED}
    assert drain_queue("email-events") == []  # and no mail was sent again
    queues.send_messages(
        kit_jobs.QueueMessage(queue="email-events", body=report, group="reports") for report in reports
    )
    run_worker("workers/email_events")
    endings = []
    for message in mails:
        expected = ["email.queued"]
        expected += [] if message.id in recorded else ["email.unconfirmed"]
        expected += ["email.sent", "email.delivered"] if message.id in handed_over else []
        assert Counter(event.type for event in list_events(message)) == Counter(expected)
        assert load_message(message).state is (
            MailState.DELIVERED if message.id in handed_over else MailState.UNCONFIRMED
        )
        ending = "recorded" if message.id in recorded else "unknown"
        endings.append(ending + (", handed over" if message.id in handed_over else ""))
    return endings


def test_the_mail_worker_makes_the_expected_aws_calls(acme: Tenant, saboteur: Sabotage) -> None:
    message = queue_mail(acme)
    with saboteur.counting() as calls:
        run_worker("workers/email")
    assert calls == MAIL_JOB
    assert load_message(message).state is MailState.SENT


def test_a_mail_worker_killed_anywhere_sends_at_most_once(
    acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    mails = []
    for done in range(len(MAIL_JOB)):
        mails.append(queue_mail(acme))
        with saboteur.killing(after=done):
            run_worker("workers/email")
        run_worker("workers/email")  # the queue brings the job again
    assert settle(mails, frozen) == [
        *["recorded, handed over"] * 3,  # nothing was done yet: the second run does everything
        "unknown",  # claimed
        *["unknown, handed over"] * 2,  # and accepted by the provider
        *["recorded, handed over"] * 2,  # and recorded
    ]


def test_a_mail_worker_killed_twice_sends_at_most_once(
    acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    mails = []
    # After the claim a second run only reads and stops. It can be killed at two points.
    for first, second in [*product([2], range(2, 6)), *product(range(3, 6), [1, 2])]:
        mails.append(queue_mail(acme))
        for call in (first, second):
            with saboteur.killing(after=call):
                run_worker("workers/email")
        run_worker("workers/email")
    settle(mails, frozen)


def test_a_claim_watch_killed_anywhere_reports_once(
    acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    watch = ["ReceiveMessage", "Query", "TransactWriteItems", "DeleteMessage", "ReceiveMessage"]
    for done in range(len(watch)):
        message = queue_mail(acme)
        with saboteur.killing(after=MAIL_JOB.index("SendMessageBatch")):
            run_worker("workers/email")
        assert load_message(message).state is MailState.SENDING
        frozen.advance(minutes=10, seconds=1)
        run_tick()
        with saboteur.killing(after=done):
            run_worker("workers/email")
        run_worker("workers/email")
        assert load_message(message).state is MailState.UNCONFIRMED
        assert [event.type for event in list_events(message)] == ["email.queued", "email.unconfirmed"]


def test_a_throttled_mail_with_a_killed_worker_is_sent_once_or_reported_unconfirmed(
    acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_MAIL_CARRIER", "ses")
    throttled = ["ReceiveMessage", "BatchGetItem", "TransactWriteItems", "SendRawEmail", "Query", "TransactWriteItems"]
    for done in range(len(throttled) + 1):
        message = queue_mail(acme)
        saboteur.fail("SendRawEmail", "Throttling")
        with saboteur.killing(after=done):
            run_worker("workers/email", at_most=1)
        saboteur.mend()
        with saboteur.counting() as calls:
            run_worker("workers/email")
        if load_message(message).state is MailState.SENDING:
            assert "SendRawEmail" not in calls
            frozen.advance(minutes=10, seconds=1)
            run_tick()
            run_worker("workers/email")
            assert load_message(message).state is MailState.UNCONFIRMED
        else:
            assert calls.count("SendRawEmail") == 1
            assert load_message(message).state is MailState.SENT


# --- fan-out, timers, audit, reports ------------------------------------------------------------------------------


def set_timer(acme: Tenant, name: str, **due_in: float) -> None:
    """A timer for a job without effect."""
    commit(timers.schedule(SendMail(org_id=acme.org_id, message_id=name), clock.now() + timedelta(**due_in)).write)


def job_names(bodies: list[dict[str, Any]]) -> Counter[str]:
    return Counter(body["message_id"] for body in bodies if not body["message_id"].startswith("msg_"))


def test_a_fan_out_killed_anywhere_forwards_every_event(
    acme: Tenant, saboteur: Sabotage, stream: Stream, frozen: clock.FrozenClock
) -> None:
    draft = MailDraft(to=["you@example.com"], subject="s", body="b")
    # Scan, and one request to each of two queues.
    for done in range(4):
        sent = [service.send_message(acme.caller(correlation_id=ids.new_id("corr")), draft) for _ in range(2)]
        set_timer(acme, "soon")
        with saboteur.killing(after=done):
            stream.hand_on()
        stream.hand_on()  # the stream brings the whole batch again
        jobs = drain_queue("email")
        assert job_names(jobs).keys() == {"soon"}
        assert {body["message_id"] for body in jobs} == {"soon", *(one.id for one in sent)}
        sealed = Counter(event["id"] for body in drain_queue("audit") for event in body["events"])
        assert sealed == Counter(event.id for message in sent for event in list_events(message))


def test_a_tick_and_its_workers_killed_anywhere_fire_every_timer(
    acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    for done in range(14):
        for name in ("a", "b", "c"):
            set_timer(acme, name, minutes=16)
        frozen.advance(minutes=16)
        with saboteur.killing(after=done):
            run_tick()
        run_worker("workers/timers")  # the queue brings the killed worker's job again
        frozen.advance(minutes=1)
        run_tick()
        assert job_names(drain_queue("email")).keys() == {"a", "b", "c"}
        assert not any(item["pk"]["S"].startswith("timer#") for item in scan_items("activity"))


def test_a_sealer_killed_anywhere_leaves_a_chain_without_gaps_or_duplicates(
    acme: Tenant, saboteur: Sabotage, stream: Stream
) -> None:
    round_of_a_sealer = ["GetItem", "BatchGetItem", "PutItem", "BatchWriteItem", "PutItem"]
    told_of: list[str] = []
    for done in range(len(["ReceiveMessage", *round_of_a_sealer, "DeleteMessage"])):
        message = queue_mail(acme)
        stream.hand_on()
        with saboteur.killing(after=done):
            run_worker("workers/audit")
        run_worker("workers/audit")
        told_of.append(list_events(message)[0].id)
    documents = list(audit.export_documents(acme.org_id, 0, 1_000))
    assert chain.verify_export(documents) == (len(documents), audit.get_head(acme.org_id).hash, None)
    assert [document["id"] for document in documents if document["action"] == "email.queued"] == told_of


def test_provider_reports_are_applied_once_after_a_kill_anywhere(acme: Tenant, saboteur: Sabotage) -> None:
    def sent_and_reported() -> Message:
        message = queue_mail(acme)
        run_worker("workers/email")
        return message

    sent_and_reported()
    with saboteur.counting() as calls:
        run_worker("workers/email_events")
    for done in range(len(list(calls))):
        message = sent_and_reported()
        with saboteur.killing(after=done):
            run_worker("workers/email_events")
        run_worker("workers/email_events")
        assert load_message(message).state is MailState.DELIVERED
        kinds = ["email.delivered", "email.queued", "email.sent"]
        assert sorted(event.type for event in list_events(message)) == kinds


# --- requests -----------------------------------------------------------------------------------------------------

Request = tuple[str, str, str, dict[str, Any]]

SEND: Request = ("anima/email", "POST", "/v1/email/send", {"to": "you@example.com", "subject": "s", "body": "b"})
KEY = "idempotency-key-of-22-characters-or-more"


def send_request(
    request: Request,
    credential: str | None,
    key: str | None = KEY,
    context: type[Context] = Context,
) -> dict[str, Any]:
    """Send a request to its function, as API Gateway would."""
    function, method, path, body = request
    headers = {"content-type": "application/json"}
    headers |= {"authorization": f"Bearer {credential}"} if credential else {}
    headers |= {"idempotency-key": key} if key else {}
    event = {
        "httpMethod": method,
        "path": path,
        "headers": headers,
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}},
        "body": json.dumps(body),
    }
    answer: dict[str, Any] = invoke(function, event, context)
    return answer


def parse_body(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer["body"])
    return found


def list_messages(acme: Tenant) -> list[Message]:
    return service.list_messages(acme.caller(master=True), None, {}, 100, None)[0]


def list_kill_points(saboteur: Sabotage, request: Request, credential: str | None) -> range:
    """Each number of AWS calls after which the request can be killed."""
    with saboteur.counting() as calls:
        assert send_request(request, credential, f"a-first-one-that-nobody-disturbs: {request[2]}")["statusCode"] < 300
    return range(len(calls))


def test_a_send_killed_anywhere_and_repeated_with_its_key_sends_one_mail(
    acme: Tenant, saboteur: Sabotage, frozen: clock.FrozenClock
) -> None:
    for done in list_kill_points(saboteur, SEND, acme.agent_key):
        frozen.advance(seconds=1)
        before = len(list_messages(acme))
        with saboteur.killing(after=done):
            send_request(SEND, acme.agent_key, f"key-{done}", Dying)
        answer, again = (send_request(SEND, acme.agent_key, f"key-{done}") for _ in range(2))
        assert (answer["statusCode"], again["body"]) == (200, answer["body"])
        assert again["headers"]["Idempotent-Replayed"] == "true"
        sent = list_messages(acme)
        assert len(sent) == before + 1
        assert parse_body(answer)["id"] == sent[0].id
        assert [event.type for event in list_events(sent[0])] == ["email.queued"]
        assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["email"] == before + 1


def test_a_sign_up_killed_anywhere_and_repeated_makes_one_organization_with_working_keys(
    acme: Tenant, saboteur: Sabotage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_SIGN_UPS_PER_HOUR", "1000")

    def request(name: str) -> Request:
        return "anima/signup", "POST", "/v1/agent/sign-up", {"human_email": f"{name}@example.com", "username": name}

    for done in list_kill_points(saboteur, request("undisturbed"), None):
        before = len(organizations.list_organizations(100)[0])
        with saboteur.killing(after=done):
            send_request(request(f"agent-{done}"), None, f"{KEY}-{done}", Dying)
        answer, again = (send_request(request(f"agent-{done}"), None, f"{KEY}-{done}") for _ in range(2))
        assert (answer["statusCode"], again["body"]) == (200, answer["body"])
        made = parse_body(answer)
        assert len(organizations.list_organizations(100)[0]) == before + 1
        for key in (made["api_key"], made["master_key"]):
            assert access.authenticate_key(key, dialect.KEYS).organization.id == made["organization_id"]


def test_an_agent_whose_creation_is_killed_anywhere_is_made_once_and_its_key_works(
    acme: Tenant, saboteur: Sabotage
) -> None:
    def request(name: str) -> Request:
        return "anima/management", "POST", "/v1/agents", {"username": name}

    for done in list_kill_points(saboteur, request("undisturbed"), acme.master_key):
        before = len(agents.list_agents(acme.org_id, 100, None)[0])
        with saboteur.killing(after=done):
            send_request(request(f"agent-{done}"), acme.master_key, f"key-{done}", Dying)
        answer, again = (send_request(request(f"agent-{done}"), acme.master_key, f"key-{done}") for _ in range(2))
        assert (answer["statusCode"], again["body"]) == (201, answer["body"])
        assert len(agents.list_agents(acme.org_id, 100, None)[0]) == before + 1
        snapshot = access.authenticate_key(parse_body(answer)["apiKey"], dialect.KEYS)
        assert snapshot.agent is not None
        assert snapshot.agent.id == parse_body(answer)["id"]


def test_a_key_whose_creation_or_rotation_is_killed_anywhere_is_made_once_and_works(
    acme: Tenant, saboteur: Sabotage
) -> None:
    def create() -> Request:
        return "anima/management", "POST", "/v1/keys", {"name": "another", "type": "agent", "agentId": acme.agent_id}

    def rotate() -> Request:
        old = keys.create_key(acme.caller(master=True), KeyKind.AGENT, "old", agent_id=acme.agent_id)
        return "anima/management", "POST", f"/v1/keys/{old.key.id}/rotate", {"overlapSeconds": 60}

    for request in (create, rotate):
        for done in list_kill_points(saboteur, request(), acme.master_key):
            wanted = request()
            before = len(keys.list_keys(acme.org_id, 100, None)[0])
            with saboteur.killing(after=done):
                send_request(wanted, acme.master_key, f"{request.__name__}-{done}", Dying)
            answer, again = (send_request(wanted, acme.master_key, f"{request.__name__}-{done}") for _ in range(2))
            assert answer["statusCode"] in (200, 201), answer["body"]
            assert again["body"] == answer["body"]
            assert len(keys.list_keys(acme.org_id, 100, None)[0]) == before + 1
            assert access.authenticate_key(parse_body(answer)["key"], dialect.KEYS).key.id == parse_body(answer)["id"]


def killed_after_its_commit(saboteur: Sabotage, request: Request, credential: str) -> None:
    send_request(request, credential, "the-first-also-looks-the-credential-up")
    with saboteur.counting() as calls:
        send_request(request, credential, "a-second-one-that-nobody-disturbs")
    commit_ = calls.index("TransactWriteItems") + 1
    with saboteur.killing(after=commit_):
        send_request(request, credential, KEY, Dying)
    assert saboteur.calls == calls[:commit_]


def test_another_body_after_a_crash_is_refused_and_the_original_still_succeeds(
    acme: Tenant, saboteur: Sabotage
) -> None:
    killed_after_its_commit(saboteur, SEND, acme.agent_key)
    count = len(list_messages(acme))
    other = (*SEND[:3], SEND[3] | {"subject": "another"})
    refused = send_request(other, acme.agent_key)
    assert (refused["statusCode"], parse_body(refused)["code"]) == (409, "IDEMPOTENCY_BODY_MISMATCH")
    answer = send_request(SEND, acme.agent_key)
    assert (answer["statusCode"], parse_body(answer)["subject"]) == (200, "s")
    assert len(list_messages(acme)) == count


def test_a_response_that_cannot_be_recorded_is_503_and_a_retry_finds_the_effect(
    acme: Tenant, saboteur: Sabotage
) -> None:
    saboteur.fail("UpdateItem", "InternalServerError", times=50)
    lost = send_request(SEND, acme.agent_key, context=Dying)
    saboteur.mend()
    assert (lost["statusCode"], parse_body(lost)["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert int(lost["headers"]["Retry-After"]) > 0
    answer = send_request(SEND, acme.agent_key)
    assert [message.id for message in list_messages(acme)] == [parse_body(answer)["id"]]


def test_a_retried_cap_does_not_overwrite_a_newer_cap(acme: Tenant, saboteur: Sabotage) -> None:
    def cap(cents: int) -> Request:
        return "anima/management", "PUT", "/v1/billing/hard-cap", {"enabled": True, "monthlyCapCents": cents}

    killed_after_its_commit(saboteur, cap(100), acme.master_key)
    send_request(cap(200), acme.master_key, key="the-newer-one")
    assert send_request(cap(100), acme.master_key)["statusCode"] == 200
    assert organizations.get_organization(acme.org_id).hard_cap.monthly_cap_cents == 200


def test_a_rate_limited_request_succeeds_when_it_is_repeated(
    acme: Tenant, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_SIGN_UPS_PER_HOUR", "0")
    request = ("anima/signup", "POST", "/v1/agent/sign-up", {"human_email": "me@example.com", "username": "me"})
    assert send_request(request, None)["statusCode"] == 429
    monkeypatch.setenv("SWITCHBOARD_SIGN_UPS_PER_HOUR", "1")
    assert send_request(request, None)["statusCode"] == 200


# --- the services behind us -----------------------------------------------------------------------------------------

PASSING = [
    ("TransactionCanceledException", ["None", "TransactionConflict"]),
    ("TransactionCanceledException", ["ThrottlingError", "ProvisionedThroughputExceeded"]),
    ("ThrottlingException", None),
    ("ProvisionedThroughputExceededException", None),
    ("InternalServerError", None),
]


def two_writes(name: str) -> tuple[Put, Update]:
    return (
        Put(table="core", item={"pk": name, "sk": "put"}, unless_exists=True),
        Update(table="core", key={"pk": name, "sk": "counter"}, expression="ADD n :one", values={":one": 1}),
    )


def count_written(name: str) -> list[dict[str, Any]]:
    return list(Query(table="core", partition=name).all())


@pytest.fixture
def tokens(saboteur: Sabotage) -> list[str]:
    """The tokens of the requested transactions."""
    seen: list[str] = []
    clients.dynamodb_client().meta.events.register(
        "provide-client-params.*.TransactWriteItems", lambda params, **_: seen.append(params["ClientRequestToken"])
    )
    return seen


@pytest.mark.parametrize(("code", "reasons"), PASSING)
def test_a_commit_is_retried_with_one_token_after_a_transient_fault(
    saboteur: Sabotage, tokens: list[str], code: str, reasons: list[str] | None
) -> None:
    saboteur.fail("TransactWriteItems", code, times=5, reasons=reasons)
    commit(two_writes("one"))
    assert (len(tokens), len(set(tokens))) == (6, 1)
    assert [item.get("n") for item in count_written("one")] == [1, None]


@pytest.mark.parametrize(("code", "reasons"), PASSING)
def test_a_commit_gives_up_after_its_attempts_and_keeps_the_cause(
    saboteur: Sabotage, tokens: list[str], code: str, reasons: list[str] | None
) -> None:
    saboteur.fail("TransactWriteItems", code, times=100, reasons=reasons)
    with pytest.raises(Unavailable) as given_up:
        commit(two_writes("one"))
    assert isinstance(given_up.value.__cause__, clients.ClientError)
    assert clients.error_code(given_up.value.__cause__) == code
    assert (len(tokens), count_written("one")) == (retries.MAX_ATTEMPTS, [])


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException", "ResourceNotFoundException"])
def test_a_permanent_fault_is_not_retried(saboteur: Sabotage, tokens: list[str], code: str) -> None:
    saboteur.fail("TransactWriteItems", code)
    with pytest.raises(clients.ClientError):
        commit(two_writes("one"))
    assert len(tokens) == 1


def test_a_failed_condition_counts_although_another_write_had_a_conflict(saboteur: Sabotage, tokens: list[str]) -> None:
    saboteur.fail(
        "TransactWriteItems", "TransactionCanceledException", reasons=["TransactionConflict", "ConditionalCheckFailed"]
    )
    put, update = two_writes("one")
    with pytest.raises(ConditionFailedError) as failed:
        commit(put, update)
    assert failed.value.write is update
    assert (len(tokens), count_written("one")) == (1, [])


@pytest.mark.parametrize("operation", ["GetItem", "BatchGetItem", "PutItem", "TransactWriteItems"])
def test_a_request_throttled_by_the_store_is_503_and_not_recorded(
    acme: Tenant, saboteur: Sabotage, operation: str
) -> None:
    access.clear_cache()
    saboteur.fail(operation, "ThrottlingException", times=100)
    refused = send_request(SEND, acme.agent_key)
    assert (refused["statusCode"], parse_body(refused)["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert int(refused["headers"]["Retry-After"]) > 0
    saboteur.mend()
    assert list_messages(acme) == []
    assert send_request(SEND, acme.agent_key)["statusCode"] == 200
    assert len(list_messages(acme)) == 1


def test_a_request_passes_when_its_limits_cannot_be_counted(acme: Tenant, saboteur: Sabotage) -> None:
    saboteur.fail("UpdateItem", "InternalServerError", times=100)
    assert send_request(SEND, acme.agent_key, key=None)["statusCode"] == 200


def at_the_socket(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[str]:
    """Make every SES connection of a mail end this way. Returns the requests."""
    monkeypatch.setenv("SWITCHBOARD_MAIL_CARRIER", "ses")
    sent: list[str] = []

    def fail(**_: Any) -> None:
        sent.append("mail")
        raise error

    clients.get_client("ses").meta.events.register_first("before-send", fail)
    return sent


def test_the_client_does_not_resend_a_mail_after_a_lost_response(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = at_the_socket(monkeypatch, ReadTimeoutError(endpoint_url="https://ses"))
    message = queue_mail(acme)
    run_worker("workers/email")
    assert sent == ["mail"]
    assert load_message(message).state is MailState.SENDING


def test_a_mail_returns_to_its_queue_when_the_provider_is_unreachable(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    at_the_socket(monkeypatch, ConnectTimeoutError(endpoint_url="https://ses"))
    message = queue_mail(acme)
    run_worker("workers/email", at_most=1)
    assert load_message(message).state is MailState.QUEUED
    clients.clear_clients()
    frozen.advance(seconds=3)
    run_tick()
    run_worker("workers/email")
    assert load_message(message).state is MailState.SENT
