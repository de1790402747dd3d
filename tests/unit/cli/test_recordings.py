"""`switchboard recording`: lost recordings are fetched again, and stored ones deleted at their provider."""

from __future__ import annotations

import pytest

from switchboard.calls import recordings, reports
from switchboard.carriers.voice.ports.reports import Recording, Report
from tests.actors import Tenant
from tests.unit.calls.calls_in import make_line
from tests.unit.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("frozen")
RECORDING = f"RE{'1' * 32}"


def test_a_lost_recording_is_awaited_again(
    acme: Tenant, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = make_line(acme)
    line.ask()
    call = line.read_call()
    made = Recording(id=RECORDING, url="", duration_seconds=2, voicemail=False)
    reports.apply_report(Report(org_id=acme.org_id, call_id=call.id, kind="recorded", recording=made))
    monkeypatch.setattr("switchboard.carriers.voice.simulator.caller_state.get_recorded_lines", lambda *_: None)
    recordings.fetch_recording(acme.org_id, call.id, RECORDING, 0)
    assert line.read_call().recordings[0].lost
    capsys.readouterr()  # the log of the worker
    assert run("recording", "forget", acme.org_id, call.id, "--json").json == []
    assert run("recording", "fetch", acme.org_id, call.id, "--json").json == [
        {"recording": RECORDING, "state": "awaited"}
    ]
    assert not line.read_call().recordings[0].lost


def test_an_unknown_call_is_named(acme: Tenant, run: Run) -> None:
    assert "no call 'call_x'" in run("recording", "fetch", acme.org_id, "call_x").err
