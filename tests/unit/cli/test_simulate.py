"""`switchboard simulate`: simulated people call our numbers."""

from __future__ import annotations

import pytest

from switchboard.calls import inbound, store
from switchboard.calls.models import CallerMessageState
from switchboard.numbers import service
from tests.actors import Tenant
from tests.integration.sabotage import drain_queue, play_calls, run_worker
from tests.unit.calls.calls_in import Line, make_line
from tests.unit.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("frozen")


@pytest.fixture
def line(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> Line:
    monkeypatch.setenv("SWITCHBOARD_VOICE_STEP_SECONDS", "0")
    return make_line(acme)


@pytest.mark.parametrize(
    ("given", "caller"),
    [([], "+14155550142"), (["--from", "anonymous"], "anonymous"), (["--from", "+1 (415) 555-0177"], "+14155550177")],
)
def test_a_simulated_person_calls_a_number(line: Line, run: Run, given: list[str], caller: str) -> None:
    called = run("simulate", "call", "--to", line.number.e164, "--says", "Hello.", *given, "--json").json
    play_calls()
    assert called["call"] == inbound.call_id_of(line.number.org_id, called["call_sid"])
    call = store.CALLS.get_object(line.number.org_id, called["call"])
    assert call is not None
    assert call.person_number == caller


def test_the_lines_are_the_message_of_a_voicemail(line: Line, run: Run) -> None:
    said = run("simulate", "call", "--to", line.number.e164, "--voicemail", "--says", "Call me back.", "--json").json
    play_calls()
    call = store.CALLS.get_object(line.number.org_id, said["call"])
    assert call is not None
    assert call.voicemail is CallerMessageState.RECORDED


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["--from", "12"], "--from: '12' must be an E.164 number"),
        (["--from", ""], "--from: ''"),
        (["--to", "x"], "--to: 'x' has letters"),
        (["--hang-up-after", "-1"], "--hang-up-after"),
        (["--voicemail"], "--voicemail needs --says: the lines are the message."),
        (["--to", "+14155550199"], "No organization has the number +14155550199"),
    ],
)
def test_a_wrong_option_is_named(line: Line, run: Run, given: list[str], problem: str) -> None:
    refused = run("simulate", "call", "--to", line.number.e164, *given)
    assert refused.code != 0
    assert problem in refused.err


def test_a_simulated_person_texts_a_number(line: Line, run: Run) -> None:
    to, photo = line.number.e164, "https://files.example.com/photo.jpg"
    sent = run(
        "simulate",
        "text",
        "--to",
        to,
        "--from",
        "+1 (415) 555-0177",
        "--body",
        "Hi\U0001f600",
        "--media",
        photo,
        "--json",
    )
    run_worker("workers/simulator")
    (told,) = drain_queue("text-reports")
    assert (told["provider_sid"], told["from_number"], told["body"]) == (
        sent.json["message_sid"],
        "+14155550177",
        "Hi\U0001f600",
    )
    assert told["media"] == [{"url": photo, "content_type": "image/jpeg"}]
    assert (told["number_id"], told["simulated"]) == (line.number.id, True)


def test_a_text_may_have_a_file_only(line: Line, run: Run) -> None:
    run("simulate", "text", "--to", line.number.e164, "--media", "https://files.example.com/x")
    run_worker("workers/simulator")
    (told,) = drain_queue("text-reports")
    assert (told["body"], told["media"][0]["content_type"]) == ("", "application/octet-stream")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([], "a text needs --body or --media."),
        *(
            (["--body", "Hi", "--times", text], "how often the carrier reports the text: it must be 1 or more")
            for text in ("0", "x")
        ),
        (["--body", "Hi", "--from", "12"], "--from: '12' must be an E.164 number"),
        (["--body", "Hi", "--to", "+14155550199"], "No organization has the number +14155550199"),
    ],
)
def test_a_wrong_option_of_a_text_is_named(line: Line, run: Run, given: list[str], problem: str) -> None:
    refused = run("simulate", "text", "--to", line.number.e164, *given)
    assert refused.code != 0
    assert problem in refused.err


def test_nobody_pretends_a_text_to_a_real_number(line: Line, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = line.number.model_copy(update={"provider": "twilio"})
    monkeypatch.setattr(service, "find_number_by_e164", lambda _: real)
    refused = run("simulate", "text", "--to", line.number.e164, "--body", "Hi")
    assert "an answer would go to a real person" in refused.err
