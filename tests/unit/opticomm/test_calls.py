"""A call that a back end starts: its answers, its repetitions, what is heard in it, and who else sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from functions.anima.voice import handler as anima_voice
from infra import topology
from infra.local.pool import Context
from switchboard.access import keys as access
from switchboard.accounts.models import KeyKind
from switchboard.accounts.plans import PlanName
from switchboard.audit import service as audit
from switchboard.calls import dialing, initiation, reports, service
from switchboard.calls.initiation import CallRequest
from switchboard.calls.models import Call, State
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.compliance import ledgers
from switchboard.compliance import service as compliance
from switchboard.dialects.opticomm import dialect
from switchboard.errors import QuotaExceeded, RateLimited
from switchboard.events import service as events
from switchboard.kit import clock
from switchboard.usage import service as usage
from switchboard.webhooks import store as webhooks
from switchboard.webhooks.event_names import EVENT_NAMES
from tests.fakes.voice import Provider
from tests.integration.sabotage import Sabotage, drain, play
from tests.unit.opticomm.backend import NOBODY, Backend, backend, code, make_flow

HOOK = "https://hooks.example.com/calls"
FIRST = "This is an artificial voice calling for Acme."


@pytest.fixture(autouse=True)
def _at_once(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call's whole course is reported as it is dialled."""
    monkeypatch.setenv("SWITCHBOARD_VOICE_STEP_SECONDS", "0")


def found(asker: Backend, call_id: str) -> Call:
    call = service.find_call(asker.company.org_id, call_id)
    assert call is not None
    return call


def talked(asker: Backend, call_id: str) -> list[str]:
    """What is said in a call, from its dialling to its end."""
    dialing.dial_call(asker.company.org_id, call_id)
    play()
    return [turn.text for turn in service.list_turns(asker.company.caller(master=True), call_id)]


def told(asker: Backend) -> list[events.Event]:
    """The company's events of its calls."""
    found = events.events_between("2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z", asker.company.org_id)
    return [event for event in found if event.type.startswith("voice.")]


def test_a_call_is_accepted_and_followed_to_its_end(live: Backend) -> None:
    made = live.initiate(request_id="r-1").json()
    call_id = made.pop("call_id")
    assert made.pop("conversation_id").startswith("conv_")
    assert made.pop("message") == "The call was accepted.", "it may wait for a lane"
    assert made == {"success": True, "status": "initiated", "duplicate": False}
    first = live.check(call_id=call_id).json()
    assert first == live.check(request_id="r-1").json()
    assert (first["status"], first["duration_seconds"], first["completed_at"]) == ("pending", None, None)
    dialing.dial_call(live.company.org_id, call_id)
    assert live.check(call_id=call_id).json()["status"] == "calling"
    play()
    last = live.check(call_id=call_id).json()
    assert (last["status"], last["outcome"], last["error_message"]) == ("completed", "success", None)
    assert last["duration_seconds"] > 0
    assert last["completed_at"] == clock.now_iso()


@pytest.mark.parametrize(
    ("number", "status", "outcome", "error"),
    [
        ("+15005550010", "failed", "busy", "The line is busy."),
        ("+15005550011", "failed", "no_answer", "Nobody answered."),
        ("+15005550001", "failed", "failed", "The carrier could not place the call."),
        ("+15005550002", "failed", "failed", "The number cannot be reached."),
        ("+15005550012", "completed", "voicemail", None),
    ],
)
def test_how_a_call_ends_is_told(
    live: Backend, test: Backend, number: str, status: str, outcome: str, error: str | None
) -> None:
    for key in (live, test):
        call_id = key.initiate(phone_number=number).json()["call_id"]
        talked(key, call_id)
        answer = key.check(call_id=call_id).json()
        assert (answer["status"], answer["outcome"], answer["error_message"]) == (status, outcome, error)


def test_a_status_never_goes_back_while_a_provider_has_no_room(live: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    carrier = Provider()
    monkeypatch.setattr(voice, "get_carrier", lambda: carrier.carrier)
    call_id = live.initiate().json()["call_id"]
    for outcome, expected in ((voice.ThrottledError("later"), "pending"), (voice.OutcomeUnknownError("?"), "pending")):
        carrier.outcome = outcome
        dialing.dial_call(live.company.org_id, call_id)
        assert live.check(call_id=call_id).json()["status"] == expected
    call = found(live, call_id)
    dialing.confirm_dial(call.org_id, call.id, call.claim)
    assert live.check(call_id=call_id).json()["status"] == "pending"
    reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind="answered"))
    assert live.check(call_id=call_id).json()["status"] == "calling"
    reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind="ended", end_reason=EndReason.AGENT_HANGUP))
    assert live.check(call_id=call_id).json()["outcome"] == "unknown"


def test_a_late_report_corrects_a_failure_that_the_carrier_did_not_tell_and_no_callback_tells_of_it(
    live: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = Provider()
    carrier.outcome, carrier.known = voice.OutcomeUnknownError("?"), None
    monkeypatch.setattr(voice, "get_carrier", lambda: carrier.carrier)
    call_id = live.initiate(webhook_url=HOOK).json()["call_id"]
    dialing.dial_call(live.company.org_id, call_id)
    call = found(live, call_id)
    dialing.confirm_dial(call.org_id, call.id, call.claim)
    assert live.check(call_id=call_id).json()["status"] == "failed"
    end = Report(org_id=call.org_id, call_id=call.id, kind="ended", end_reason=EndReason.COMPLETED, duration_seconds=60)
    reports.apply_report(end)
    answer = live.check(call_id=call_id).json()
    assert (answer["status"], answer["error_message"]) == ("completed", None)
    corrected = next(event for event in told(live) if event.type == "voice.call.corrected")
    assert corrected.type not in EVENT_NAMES["opticomm"]


# --- where the called person is ---------------------------------------------------------------------------------


TOLL_FREE = "+18005551234"


def test_a_request_says_where_a_toll_free_numbers_holder_is(live: Backend) -> None:
    refused = live.initiate(phone_number=TOLL_FREE)
    assert refused.status_code == 403
    assert "number_of_no_place" in refused.json()["message"]
    for stated in ({"time_zone": "America/New_York"}, {"recipient_state": "NY"}, {"recipient_state": "ny"}):
        assert live.initiate(phone_number=TOLL_FREE, **stated).status_code == 200
    assert code(live.initiate(phone_number=TOLL_FREE, recipient_state="New York")) == (400, "MISSING_FIELDS")


def test_a_stated_zone_and_state_only_narrow(live: Backend, frozen: clock.FrozenClock) -> None:
    # Noon in New York, seven in the morning in Honolulu.
    new_york = "+12125551234"
    assert live.initiate(phone_number=new_york).status_code == 200
    assert "outside_hours" in live.initiate(phone_number=new_york, time_zone="Pacific/Honolulu").json()["message"]
    frozen.advance(hours=9)
    assert "outside_hours" in live.initiate(phone_number=new_york, time_zone="Pacific/Honolulu").json()["message"]
    assert "outside_hours" in live.initiate(phone_number=new_york, recipient_state="HI").json()["message"]


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({"time_zone": "Mars/Olympus"}, "recipient_zone_malformed"),
        ({"time_zone": "Factory"}, "recipient_zone_of_no_country"),
        ({"recipient_state": "ZZ"}, "recipient_state_unknown"),
    ],
)
def test_a_place_that_is_none_is_refused_by_the_gate(live: Backend, stated: dict[str, str], why: str) -> None:
    answer = live.initiate(phone_number="+12125551234", **stated)
    assert answer.status_code == 403
    assert why in answer.json()["message"]


def test_a_variable_of_that_name_is_what_it_always_was(live: Backend) -> None:
    asked = {"phone_number": "+12125551234", "variables": {"time_zone": "Mars", "recipient_state": "of mind"}}
    assert live.initiate(**asked).status_code == 200


# --- what is said -----------------------------------------------------------------------------------------------


def test_variables_fill_the_greeting_and_the_prompt_and_are_heard(live: Backend) -> None:
    flow = make_flow(live.company.org_id, system_prompt="Confirm order {{ order_id }} of {{unknown}}.")
    variables = {"customer_name": "Grace {{order_id}}", "order_id": "{agent} 1815"}
    heard = talked(live, live.initiate(agent_id=flow.id, variables=variables).json()["call_id"])
    assert heard[0] == f"{FIRST} Hello Grace {{{{order_id}}}}."
    assert any("Confirm order {agent} 1815 of {{unknown}}." in text for text in heard)
    assert any("order_id is {agent} 1815" in text for text in heard)
    assert any("This is Ada, an automated assistant." in text for text in heard)


def test_the_first_message_takes_the_greetings_place(live: Backend) -> None:
    call_id = live.initiate(first_message_override="{{a}}, quickly!", variables={"a": "Come"}).json()["call_id"]
    assert talked(live, call_id)[0] == f"{FIRST} Come, quickly!"


def test_who_calls_and_the_artificial_voice_come_first_whatever_the_greeting(live: Backend, test: Backend) -> None:
    spanish = make_flow(live.company.org_id, voice="switchboard:inés", greeting="Hola.")
    silent = make_flow(live.company.org_id, greeting="")
    honest = "Hello, I am an AI assistant from Acme."
    for key in (live, test):
        for to in (NOBODY, "+40712345678", "+18005551234"):
            where = {"phone_number": to, "time_zone": "America/New_York"}
            call_id = key.initiate(**where, first_message_override="I am a human being.").json()["call_id"]
            assert found(key, call_id).greeting == f"{FIRST} I am a human being."
        assert found(key, key.initiate(agent_id=silent.id).json()["call_id"]).greeting.startswith(f"{FIRST} Hello")
        said = found(key, key.initiate(agent_id=spanish.id).json()["call_id"]).greeting
        assert said == "Le habla una voz artificial que llama en nombre de Acme. Hola."
        call_id = key.initiate(first_message_override=honest).json()["call_id"]
        assert found(key, call_id).greeting == honest


def test_the_voice_port_gets_all_that_the_back_end_said(live: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
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
    assert (found(live, call_id).flow_id, found(live, call_id).agent_ref) == (flow.id, "agent_7")
    assert found(live, call_id).tier == "premium"


# --- repetitions ------------------------------------------------------------------------------------------------


def test_a_repetition_gets_the_first_answer_whatever_else_it_asks(live: Backend, frozen: clock.FrozenClock) -> None:
    first = live.initiate(request_id="r-1").json()
    frozen.advance(days=2, hours=3)
    again = live.initiate(request_id="r-1", phone_number="nonsense", agent_id="agt_none")
    assert again.status_code == 200
    assert again.json() == first | {"duplicate": True}
    assert live.with_key().initiate(request_id="r-1").json()["call_id"] == first["call_id"]
    assert live.initiate(request_id="r-2").json()["call_id"] != first["call_id"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook_url": "ftp://hooks.example.com/calls"},
        {"webhook_url": "no url"},
        {"webhook_url": 7},
        {"phone_number": ""},
        {"phone_number": None},
        {"phone_number": ["+14155550142"]},
        {"agent_id": None},
        {"agent_id": ""},
        {"variables": {"order": 7}},
        {"variables": {"order": "x" * 20_000}},
        {"variables": "none"},
        {"first_message_override": "x" * 2_001},
        {"time_zone": 5},
        {"correlation_id": "has a space"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_repetition_gets_the_first_answer_whatever_is_wrong_with_it(live: Backend, wrong: dict[str, Any]) -> None:
    assert code(live.initiate(**wrong, request_id="unknown"))[0] == 400
    first = live.initiate(request_id="r-1").json()
    again = live.initiate(**wrong, request_id="r-1")
    assert (again.status_code, again.json()) == (200, first | {"duplicate": True})
    assert code(live.with_key(scopes=("check_status",)).initiate(**wrong, request_id="r-1"))[0] in (400, 403)


def test_a_test_keys_request_id_answers_no_faulty_request_of_a_live_key(live: Backend, test: Backend) -> None:
    test.initiate(request_id="r-1")
    assert code(live.initiate(request_id="r-1", webhook_url="no url")) == (400, "MISSING_FIELDS")
    other = backend(slug="other")
    live.initiate(request_id="r-1")
    assert code(other.initiate(request_id="r-1", webhook_url="no url")) == (400, "MISSING_FIELDS")


@pytest.mark.parametrize("request_id", ["", "x" * 256, 7, None, ["r-1"], {"r": 1}])
def test_what_is_no_request_id_finds_no_call(live: Backend, request_id: Any) -> None:
    live.initiate(request_id="r-1")
    body = {"action": "initiate_call", "agent_id": "", "phone_number": NOBODY, "request_id": request_id}
    assert code(live.ask(body)) == (400, "MISSING_FIELDS")


def test_a_repetition_is_answered_when_nothing_new_would_be(live: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    first = live.initiate(request_id="r-1").json()
    monkeypatch.setenv("SWITCHBOARD_FEATURE_PHONE_ENABLED", "off")
    assert live.initiate(request_id="r-1").json() == first | {"duplicate": True}


def test_a_request_id_is_the_companys_and_live_or_test(live: Backend, test: Backend) -> None:
    askers = (live, test, backend(slug="other"))
    calls = {asker.initiate(request_id="r-1").json()["call_id"] for asker in askers}
    assert len(calls) == 3
    assert [asker.initiate(request_id="r-1").json()["duplicate"] for asker in askers] == [True] * 3


def test_a_refused_request_leaves_its_request_id_free(live: Backend) -> None:
    assert code(live.initiate(request_id="r-1", phone_number="+15005550020")) == (403, "PHONE_ON_DNC")
    assert code(live.initiate(request_id="r-1", phone_number="+15005550013")) == (500, "CALL_FAILED")
    assert live.initiate(request_id="r-1").json()["duplicate"] is False


def test_calls_without_a_request_id_are_as_many_as_the_requests(live: Backend) -> None:
    assert len({live.initiate().json()["call_id"] for _ in range(3)}) == 3


@pytest.mark.parametrize("limit", [{"requests_per_minute": 1}, {"requests_per_day": 1}])
def test_a_request_that_is_overtaken_gets_the_call_that_used_up_what_it_needed(
    live: Backend, limit: dict[str, int]
) -> None:
    key = live.with_key(**limit)
    who = access.caller_of(access.authenticate_key(key.text, dialect.KEYS), "corr_late")
    wanted = CallRequest(agent=live.flow.id, to=NOBODY, request_id="r-1")
    first: list[str] = []

    @contextmanager
    def overtaken() -> Iterator[None]:
        first.append(key.initiate(request_id="r-1").json()["call_id"])
        if "requests_per_minute" in limit:
            raise RateLimited("Rate limit exceeded.")
        yield

    placed = initiation.initiate_call(who, wanted, overtaken)
    assert ([placed.call.id], placed.duplicate) == (first, True)
    with pytest.raises(QuotaExceeded if "requests_per_day" in limit else RateLimited):
        initiation.initiate_call(who, wanted.model_copy(update={"request_id": "r-2"}), overtaken)


def test_a_request_killed_anywhere_is_one_call_when_it_is_repeated(live: Backend) -> None:
    saboteur = Sabotage()
    with saboteur.counting() as calls:
        live.initiate(request_id="whole", webhook_url=HOOK)
    steps = len(calls)
    for done in range(steps):
        with saboteur.killing(after=done):
            live.initiate(request_id=f"r-{done}", webhook_url=HOOK)
        again = live.initiate(request_id=f"r-{done}", webhook_url=HOOK).json()
        assert live.check(request_id=f"r-{done}").json()["call_id"] == again["call_id"]
    placed = [event for event in told(live) if event.type == "voice.call.created"]
    assert len(placed) == steps + 1


def test_an_answer_that_is_lost_behind_the_commit_is_a_duplicate_the_next_time(live: Backend) -> None:
    saboteur = Sabotage()
    live.initiate(request_id="warm")
    with saboteur.counting() as calls:
        live.initiate(request_id="r-1")
    commit = calls.index("TransactWriteItems")
    with saboteur.killing(after=commit):
        live.initiate(request_id="before")
    assert live.initiate(request_id="before").json()["duplicate"] is False
    saboteur.lose_answer("TransactWriteItems")
    live.initiate(request_id="behind")
    assert live.initiate(request_id="behind").json()["duplicate"] is True


# --- test keys --------------------------------------------------------------------------------------------------


def test_a_test_keys_call_never_reaches_the_carrier_that_is_configured(
    live: Backend, test: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = Provider()
    monkeypatch.setattr(voice, "get_carrier", lambda: carrier.carrier)
    monkeypatch.setattr(voice, "carrier_name", lambda: "twilio")
    monkeypatch.setenv("SWITCHBOARD_CALLER_POOL", "+14155552671")
    call_id = test.initiate(phone_number="+40712345678").json()["call_id"]
    assert talked(test, call_id)
    assert carrier.dialed == []
    assert (found(test, call_id).provider, found(test, call_id).state) == ("simulator", State.COMPLETED)
    real = live.initiate().json()["call_id"]
    dialing.dial_call(live.company.org_id, real)
    assert [dial.call_id for dial in carrier.dialed] == [real]
    assert found(live, real).provider == "twilio"


def test_a_test_keys_calls_cost_nothing_and_use_up_nothing() -> None:
    small = backend(KeyKind.OPTICOMM_TEST, slug="small", basic_calls_per_day=1)
    for _ in range(2):
        call_id = small.initiate().json()["call_id"]
        talked(small, call_id)
        assert found(small, call_id).cost_micros == 0
    used = usage.get_monthly_usage(small.company.org_id, "2026-01")
    assert (used.units["voice_basic"], used.spent_micros) == (0, 0)
    live = small.with_key(KeyKind.OPTICOMM_LIVE)
    call_id = live.initiate().json()["call_id"]
    assert code(live.initiate()) == (429, "DAILY_LIMIT_EXCEEDED")
    talked(live, call_id)
    minutes = -(-(found(live, call_id).duration_seconds or 0) // 60)
    assert usage.get_monthly_usage(small.company.org_id, "2026-01").units["voice_basic"] == minutes


# --- one call, four APIs ----------------------------------------------------------------------------------------


def test_anima_lists_the_call_and_its_audit_tells_of_it(live: Backend) -> None:
    call_id = live.ask(
        {"action": "initiate_call", "agent_id": live.flow.id, "phone_number": NOBODY}, x_correlation_id="from-opticomm"
    ).json()["call_id"]
    answer: dict[str, Any] = anima_voice.handler(
        {
            "httpMethod": "GET",
            "path": "/v1/voice/calls",
            "headers": {"Authorization": f"Bearer {live.company.master_key}"},
            "queryStringParameters": None,
            "requestContext": {"identity": {"sourceIp": "203.0.113.7"}},
            "body": None,
        },
        Context(topology.function("anima/voice")),
    )
    (shown,) = json.loads(answer["body"])["calls"]
    assert (shown["id"], shown["to"], shown["state"]) == (call_id, NOBODY, "INITIATING")
    assert shown["agentId"] == found(live, call_id).flow_id
    assert shown["greeting"] == f"{FIRST} Hello {{{{customer_name}}}}."
    entries, _ = audit.list_workflow_events(live.company.caller(master=True), "from-opticomm", 10, None)
    (created,) = [entry.document for entry in entries]
    assert (created["action"], created["resourceId"], created["actorId"]) == (
        "voice.call.created",
        call_id,
        live.key.id,
    )
    assert created["metadata"]["flow"] == live.flow.id
    assert NOBODY not in json.dumps(created)


def test_an_agents_key_of_anima_does_not_see_the_call(live: Backend) -> None:
    call_id = live.initiate().json()["call_id"]
    assert service.list_calls(live.company.caller(), None, [], None, 20, None)[0] == []
    with pytest.raises(Exception, match="no such call"):
        service.get_call(live.company.caller(), call_id)


def test_consent_comes_from_the_ledger_then_the_key_then_the_flow(live: Backend) -> None:
    def origin_of(asker: Backend) -> str:
        call_id = asker.initiate().json()["call_id"]
        return str(compliance.get_verdict(asker.company.org_id, call_id).rule("consent").details["from"])

    keyed = live.with_key(consent_source="prior-express-consent", consent_date="2025-11-01")
    assert origin_of(live) == f"flow:{live.flow.id}"
    assert origin_of(keyed) == keyed.key.id
    ledgers.record_consent(live.company.caller(), NOBODY, "opt-in:web-form", "2025-10-01")
    assert origin_of(keyed) == origin_of(live) == "ledger"


@pytest.mark.parametrize(
    ("source", "day", "why"),
    [
        ("business-relationship", "2025-12-01", "consent: not_written"),
        ("opt-in:web-form", "2025-12-01", None),
        ("opt-in:web-form", "2021-02-01", "consent: too_old"),
    ],
)
def test_a_flow_that_sells_needs_a_written_consent_that_is_not_too_old(
    live: Backend, frozen: clock.FrozenClock, source: str, day: str, why: str | None
) -> None:
    changes = {"purpose": "telemarketing", "consent_source": source, "consent_date": day}
    flow = make_flow(live.company.org_id, **changes)
    frozen.advance(days=30)
    answer = live.initiate(agent_id=flow.id)
    if why is None:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 403
        assert why in answer.json()["message"]


def test_a_flow_that_sells_calls_no_number_of_the_national_registry(test: Backend) -> None:
    flow = make_flow(test.company.org_id, purpose="telemarketing")
    answer = test.initiate(agent_id=flow.id, phone_number="+15005550025")
    assert (answer.status_code, answer.json()["error"]) == (403, "PHONE_ON_DNC")
    assert test.initiate(phone_number="+15005550025").status_code == 200


def test_a_callback_is_registered_with_the_call(live: Backend) -> None:
    call = found(live, live.initiate(webhook_url=HOOK).json()["call_id"])
    assert call.callback_id
    endpoint = webhooks.get_endpoint(live.company.org_id, call.callback_id)
    assert endpoint
    assert (endpoint.url, endpoint.key_id) == (HOOK, live.key.id)
    assert found(live, live.initiate().json()["call_id"]).callback_id is None


def test_what_changes_before_the_dialling_stops_the_call_and_is_told(live: Backend, test: Backend) -> None:
    calls = [(key, key.initiate().json()["call_id"]) for key in (live, test)]
    ledgers.block_number(live.company.caller(), NOBODY)
    for key, call_id in calls:
        dialing.dial_call(key.company.org_id, call_id)
        answer = key.check(call_id=call_id).json()
        assert (answer["status"], answer["outcome"]) == ("failed", "canceled")
        assert "dnc" in answer["error_message"]
    assert drain("voice-events") == []


def test_the_free_plan_has_calls_of_the_basic_tier() -> None:
    free = backend(slug="free", plan=PlanName.FREE)
    premium = make_flow(free.company.org_id, voice="switchboard:grace")
    assert free.initiate().status_code == 200
    assert code(free.initiate(agent_id=premium.id)) == (429, "DAILY_LIMIT_EXCEEDED")
