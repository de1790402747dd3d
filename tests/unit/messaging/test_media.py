"""Files of texts that came in: fetched through the guarded client, and stored in our bucket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from switchboard.aws import objects
from switchboard.carriers.messages import media as carrier
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError
from switchboard.messaging import media, store
from switchboard.messaging.jobs import FetchTextMedia
from switchboard.messaging.models import TextMessage
from switchboard.numbers.models import Number
from tests.actors import Tenant
from tests.conftest import Skips
from tests.unit.calls.calls_in import use_twilio
from tests.unit.calls.console_calls import save_number
from tests.unit.messaging.inbox import events_of, receive, texts_of

PICTURE = b"\x89PNG picture"


_MOVED = ("/moved", "/loop", "/malformed")


class _Files(BaseHTTPRequestHandler):
    """The carrier's files: the path says what is answered."""

    asked: ClassVar[list[tuple[str, str | None]]] = []
    elsewhere: ClassVar[list[str]] = []
    status: ClassVar[dict[str, int]] = {}

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("authorization")))
        body = {"/large": b"x" * (carrier.MAX_FILE_BYTES + 1)}.get(self.path, PICTURE)
        self.send_response(self.status.get(self.path, 307 if self.path in _MOVED else 200))
        if self.path == "/moved":
            self.send_header("location", f"{self.elsewhere[0]}/signed")
        if self.path == "/malformed":
            self.send_header("location", "https://[x")
        if self.path == "/loop":
            self.send_header("location", "/loop")
        if self.path != "/untyped":
            self.send_header("content-type", "text/html" if self.path == "/page" else "image/png; charset=x")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.fixture
def files(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the carrier. Its files have moved to another port, as those of Twilio have to another host."""
    _Files.asked.clear()
    _Files.status.clear()
    servers = [HTTPServer(("127.0.0.1", 0), _Files) for _ in range(2)]
    threads = [threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01}) for one in servers]
    for thread in threads:
        thread.start()
    carrier_url, other_url = (f"http://127.0.0.1:{one.server_port}" for one in servers)
    _Files.elsewhere[:] = [other_url]
    use_twilio(monkeypatch)
    monkeypatch.setenv("SWITCHBOARD_TWILIO_API_URL", carrier_url)
    yield carrier_url
    for one, thread in zip(servers, threads, strict=True):
        one.shutdown()
        thread.join()
        one.server_close()


def test_the_credentials_go_to_the_carriers_host_only(files: str) -> None:
    assert carrier.fetch_file(f"{files}/moved").content == PICTURE
    (path, sent), (other, none) = _Files.asked
    assert (path, other, none) == ("/moved", "/signed", None)
    assert sent is not None
    assert sent.startswith("Basic ")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/large", "more than"),
        ("/page", "text/html are not stored"),
        ("/gone", "gone: status 410"),
        ("/untyped", "unknown are not stored"),
        ("/malformed", "malformed"),
    ],
)
def test_some_files_are_refused(files: str, path: str, reason: str) -> None:
    _Files.status["/gone"] = 410
    with pytest.raises(RefusedError, match=reason):
        carrier.fetch_file(files + path)


@pytest.mark.parametrize("url", ["http://10.0.0.1/x", "https://169.254.169.254/latest", "ftp://a.example/x", "nowhere"])
def test_no_address_of_our_network_is_fetched(files: str, url: str) -> None:
    with pytest.raises(RefusedError, match="not allowed"):
        carrier.fetch_file(url)


def test_a_malformed_address_is_refused(files: str) -> None:
    with pytest.raises(RefusedError, match="malformed"):
        carrier.fetch_file("https://[x")


@pytest.mark.parametrize("path", ["/busy", "/loop"])
def test_other_failures_may_succeed_later(files: str, path: str) -> None:
    _Files.status["/busy"] = 503
    with pytest.raises(OutcomeUnknownError):
        carrier.fetch_file(files + path)


@pytest.mark.parametrize("media_type", ["image/jpeg", "audio/amr", "video/mp4", "application/pdf", "text/vcard"])
def test_the_files_of_texts_are_stored(media_type: str) -> None:
    assert carrier.is_stored_type(media_type)


@pytest.mark.parametrize("media_type", ["text/html", "application/javascript", "", "image/\u00e9", "image/" + "x" * 99])
def test_other_files_are_not_stored(media_type: str) -> None:
    assert not carrier.is_stored_type(media_type)


@pytest.fixture
def number(acme: Tenant) -> Number:
    return save_number(acme.org_id)


def job_of(text: TextMessage, attempts: int = 0) -> FetchTextMedia:
    return FetchTextMedia(
        org_id=text.org_id, conversation_id=text.conversation_id, message_id=text.id, attempts=attempts
    )


def fetch(text: TextMessage, attempts: int = 0) -> TextMessage:
    media.fetch_text_media(job_of(text, attempts))
    found = store.get_message(text.org_id, text.conversation_id, text.id)
    assert found is not None
    return found


def test_each_file_is_stored_or_says_why_not(number: Number, files: str, skipped: Skips) -> None:
    text = texts_of(receive(number, "Look", media_urls=[f"{files}/a", f"{files}/page"]))[0]
    after = fetch(text)
    stored, lost = after.media
    assert (stored.carrier_url, stored.content_type, stored.size_bytes) == (None, "image/png", len(PICTURE))
    assert objects.read_object("text-media", stored.key or "", 10**6, 10).content == PICTURE
    assert lost.error == "files of the type text/html are not stored"
    assert after.body == "Look"
    told = next(event for event in events_of(text) if event.type == "sms.media_fetched")
    assert (told.data["stored"], told.data["lost"]) == (1, 1)
    assert fetch(text) == after, "a repeated job changes nothing"
    assert [reason for reason, _ in skipped] == ["the files are stored or gone"]


def test_a_failed_file_is_fetched_again_without_the_others(number: Number, files: str) -> None:
    text = texts_of(receive(number, "", media_urls=[f"{files}/a", f"{files}/busy"]))[0]
    _Files.status["/busy"] = 503
    after = fetch(text)
    assert [bool(one.key) for one in after.media] == [True, False]
    assert after.media[1].error is None
    _Files.status.clear()
    _Files.asked.clear()
    assert all(one.key for one in fetch(text, 1).media)
    assert [path for path, _ in _Files.asked] == ["/busy"]


def test_the_last_attempt_keeps_the_text_and_says_why(number: Number, files: str) -> None:
    text = texts_of(receive(number, "Look", media_urls=[f"{files}/busy"]))[0]
    _Files.status["/busy"] = 503
    after = fetch(text, media.MAX_ATTEMPTS - 1)
    assert after.media[0].error == "not fetched: status 503"
    assert after.body == "Look"


def test_a_job_for_a_text_that_is_gone_does_nothing(number: Number, skipped: Skips) -> None:
    text = texts_of(receive(number))[0]
    media.fetch_text_media(job_of(text.model_copy(update={"id": "sms_1"})))
    assert len(skipped) == 1
