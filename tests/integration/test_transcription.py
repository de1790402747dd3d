"""A recording goes over HTTP through the whole local stack, and comes back as text."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import Stack
from tests.recordings import encode, recording

PATH = "/api/flows/ai-transcribe"


@pytest.fixture
def console(stack: Stack) -> Iterator[httpx.Client]:
    """A signed-in admin of the demo organization."""
    cookies = {"bh_hum_session": stack.keys["HUM_SESSION"]}
    with httpx.Client(base_url=stack.url, cookies=cookies, timeout=60) as client:
        yield client


@pytest.mark.parametrize(("name", "form"), [("note.wav", "wav"), ("note.webm", "webm"), ("note.m4a", "m4a")])
def test_what_a_browser_records_becomes_text(console: httpx.Client, name: str, form: str) -> None:
    answer = console.post(PATH, files={"audio": (name, encode(recording("counting"), form, live=True))})
    assert answer.status_code == 200, answer.text
    assert "three four five" in answer.json()["text"]
    assert answer.json()["duration_sec"] == pytest.approx(2.99, abs=0.15)


def test_an_upload_of_two_hundred_megabytes_is_refused(console: httpx.Client) -> None:
    """A gateway may answer and hang up before it has read all of it."""
    try:
        answer = console.post(PATH, files={"audio": ("long.wav", recording("counting") + bytes(200_000_000))})
    except (httpx.WriteError, httpx.ReadError):
        return
    assert (answer.status_code, answer.json()["error"]) == (413, "payload_too_large")


def test_other_operations_say_that_they_take_no_form(console: httpx.Client) -> None:
    """API Gateway hands every form of this API over as base64, on each of its paths."""
    answer = console.post("/api/contacts", files={"audio": ("a.wav", b"RIFF")})
    assert (answer.status_code, answer.json()["error"]) == (415, "unsupported_media_type")
