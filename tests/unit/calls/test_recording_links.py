"""Links to recordings: they say when they end, also if the credentials that signed them end first."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.credentials import Credentials, RefreshableCredentials

from switchboard.aws import clients
from switchboard.calls.models import CallRecording
from switchboard.calls.recording_links import LINK_LIFETIME, recording_link
from switchboard.kit import clock
from tests.actors import tenant
from tests.unit.call_records.desk import save_call

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.mark.parametrize(
    ("minutes_left", "valid_for"), [(16, timedelta(minutes=16)), (300, LINK_LIFETIME), (None, LINK_LIFETIME)]
)
def test_a_link_says_when_it_ends(
    monkeypatch: pytest.MonkeyPatch, minutes_left: int | None, valid_for: timedelta
) -> None:
    stored = CallRecording(id="RE1", url="", duration_seconds=3, key="org/x.wav", media_type="audio/wav")
    call = save_call(tenant().org_id, recordings=[stored])
    use_credentials(monkeypatch, minutes_left)
    link = recording_link(call)
    assert link is not None
    assert clock.parse(link.expires_at) == clock.now() + valid_for
    assert parse_qs(urlsplit(link.url).query)["X-Amz-Expires"] == ["3600"]


def use_credentials(monkeypatch: pytest.MonkeyPatch, minutes_left: int | None) -> None:
    """Give the process credentials that end in some minutes of the test's clock, or that name no end."""
    found = Credentials("AK", "SK")
    if minutes_left is not None:
        end = clock.now() + timedelta(minutes=minutes_left)

        def refuse() -> dict[str, str]:
            raise AssertionError("nothing is renewed")

        def now() -> datetime:
            return clock.now()

        found = RefreshableCredentials("AK", "SK", "TOKEN", end, refuse, "container-role", time_fetcher=now)
    monkeypatch.setattr(clients._session(), "get_credentials", lambda: found)
