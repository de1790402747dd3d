"""A mail taken apart: a corpus of what mailers send, what attackers send, and whatever else there may be."""

from __future__ import annotations

import json
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.email import charsets, filenames, mime_body
from switchboard.email.html_text import plain_text
from switchboard.email.mime_models import ParsedMail
from switchboard.email.parsing import parse_mail
from tests.unit.properties import examples

CORPUS = Path(__file__).with_name("corpus")
MAILS = {path.stem: path.read_bytes() for path in sorted(CORPUS.glob("*.eml"))}


def shown(found: ParsedMail) -> dict[str, Any]:
    """What was found, as the corpus writes it down: what is empty is left out, but for the essentials."""
    attachments = [
        [one.filename, one.media_type, len(one.content), *(["inline"] if one.inline else [])]
        for one in found.attachments
    ]
    essentials = {
        "message_id": found.message_id,
        "from": [found.from_name, found.from_address],
        "to": found.to,
        "subject": found.subject,
        "text": found.text,
        "html": found.html,
        "attachments": attachments,
    }
    others = {
        "cc": found.cc,
        "reply_to": found.reply_to,
        "in_reply_to": found.in_reply_to,
        "references": found.references,
        "headers": found.headers,
        "automatic": found.automatic,
        "report_of": found.report_of,
        "bounce": found.bounce.model_dump() if found.bounce else None,
        "broken": found.broken,
        "date": found.date,
        "recipients": found.recipients if found.recipients != [*found.to, *found.cc] else [],
    }
    return essentials | {name: value for name, value in others.items() if value}


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_of_the_corpus_says_what_stands_beside_it(name: str) -> None:
    assert shown(parse_mail(MAILS[name])) == json.loads((CORPUS / f"{name}.json").read_text())


def test_a_mail_inside_a_mail_is_kept_as_it_came() -> None:
    (inner,) = parse_mail(MAILS["forwarded"]).attachments
    assert inner.content in MAILS["forwarded"]
    assert parse_mail(inner.content).attachments[0].filename == "inner.zip"


def test_a_mail_inside_a_mail_may_be_encoded_although_it_must_not() -> None:
    mail = (
        b"From: a@example.com\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"U3ViamVjdDogaGlkZGVuDQoNCldvcmRzDQo=\r\n"
    )
    (inner,) = parse_mail(mail).attachments
    assert parse_mail(inner.content).subject == "hidden"


# Nothing raises, whatever comes.


@given(st.binary(max_size=2_000))
@examples(100)
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    storable(parse_mail(raw))


@pytest.mark.parametrize("address", [b"\x00ada@example.com", b"a\x07da@example.com", b"ada@exam\x1bple.com"])
def test_an_address_with_what_cannot_be_seen_is_none(address: bytes) -> None:
    found = parse_mail(b"From: Ada <" + address + b">\r\nTo: " + address + b", desk@example.com\r\n\r\nx")
    assert (found.from_address, found.to) == ("", ["desk@example.com"])


@given(st.data())
@examples(200)
def test_no_damage_to_a_mail_makes_it_raise(data: st.DataObject) -> None:
    raw = bytearray(MAILS[data.draw(st.sampled_from(sorted(MAILS)))])
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=30))
        raw = raw or bytearray(b"x")
    storable(parse_mail(bytes(raw)))


@given(st.text(max_size=200), st.sampled_from(["From", "To", "Cc", "Subject", "Message-ID", "References", "Date"]))
@examples(100)
def test_no_header_makes_it_raise(value: str, name: str) -> None:
    storable(parse_mail(f"{name}: {value}\r\n\r\nx".encode("utf-8", "surrogatepass")))


@given(st.sampled_from(["Content-Type", "Content-Disposition", "Content-Transfer-Encoding"]), st.binary(max_size=80))
@examples(100)
def test_no_description_of_the_content_makes_it_raise(name: str, value: bytes) -> None:
    storable(parse_mail(name.encode() + b": " + value + b"\r\n\r\nx"))


def storable(found: ParsedMail) -> None:
    """Assert that every text can be stored, and that there is no more of anything than an item has room for."""
    texts = [found.subject, found.text, found.html or "", found.from_name, found.from_address, *found.headers.values()]
    texts += [*found.headers, *found.to, *found.cc, *(one.filename for one in found.attachments)]
    assert not [text for text in texts if "\x00" in text or text != text.encode("utf-8", "replace").decode()]
    assert len(found.subject.encode()) <= 998
    assert sum(len(name) + len(value) for name, value in found.headers.items()) <= 16_384
    assert all("/" not in one.filename and one.filename for one in found.attachments)


# Mail that is made to keep a reader busy.

_BOUNDARIES = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(900))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"Subject: s\n\n" + b"\n" * 5_000_000, id="lines"),
        pytest.param(b"Subject: s\n" + _BOUNDARIES + b"x\n" * 1_000_000, id="nesting"),
        pytest.param(b"Subject: s\n" + b"Content-Type: message/rfc822\n\n" * 5_000, id="mails in mails"),
        pytest.param(b"Subject: s\nFrom: " + b"(" * 1_000_000 + b"\n\n", id="comments"),
        pytest.param(b"Subject: s\nContent-Type: text/plain; " + b'a="' * 300_000 + b"\n\n", id="parameters"),
        pytest.param(b"Subject: s\nContent-Type: text/html\n\n" + b"<!--" * 1_000_000, id="html"),
        pytest.param(b"Subject: s\n" + (b"From: " + b"a" * 32_000 + b"\n") * 400 + b"\n", id="no addresses"),
        pytest.param(b"Subject: s\n" + (b"From: " + b"a@" * 16_000 + b"\n") * 400 + b"\n", id="half addresses"),
        pytest.param(
            b"Subject: s\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
            + (b"--b\nContent-Type: message/delivery-status\n\naction:x" + b" " * 60_000 + b"y\n") * 200
            + b"--b--\n",
            id="spaces of a report",
        ),
    ],
)
def test_it_is_read_in_time(raw: bytes) -> None:
    started = time.perf_counter()
    assert parse_mail(raw).subject == "s"
    assert time.perf_counter() - started < 5


def test_what_is_hopeless_is_shown_as_it_came() -> None:
    found = parse_mail(b"From: a@example.com\nSubject: many\n\n" + b"x\n" * 2_000_001)
    assert (found.broken, found.from_address, found.subject) == (True, "a@example.com", "many")
    assert found.text.startswith("x\nx\n")


# Limits.


def with_files(number: int, content: bytes = b"x") -> bytes:
    mail = EmailMessage()
    mail["From"] = "ada@example.com"
    mail.set_content("Files")
    for one in range(number):
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=f"{one}.bin")
    return mail.as_bytes()


def test_fifty_attachments_are_kept_and_the_rest_is_named() -> None:
    found = parse_mail(with_files(53))
    assert len(found.attachments) == 50
    assert [(one.filename, one.reason) for one in found.dropped] == [(f"{n}.bin", "too_many") for n in (50, 51, 52)]


def test_an_attachment_that_is_too_large_is_named_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mime_body, "MAX_ATTACHMENT_BYTES", 10)
    assert [len(one.content) for one in parse_mail(with_files(1, b"x" * 10)).attachments] == [10]
    found = parse_mail(with_files(1, b"x" * 11))
    assert not found.attachments
    assert [(one.size, one.reason) for one in found.dropped] == [(11, "too_large")]


def test_of_many_people_and_references_some_are_kept() -> None:
    people = ", ".join(f"p{n}@example.com" for n in range(300))
    ids = " ".join(f"<{n}@example.com>" for n in range(60))
    found = parse_mail(f"To: {people}\r\nReferences: {ids}\r\n\r\n".encode())
    assert (len(found.to), found.to[-1]) == (100, "p99@example.com")
    assert (len(found.references), found.references[0], found.references[-1]) == (
        20,
        "<0@example.com>",
        "<59@example.com>",
    )


# Text.


@pytest.mark.parametrize("charset", ["unicode_escape", "idna", "hex", "rot13", "utf-7", "", "x" * 500, "\udcff", None])
def test_a_charset_that_is_none_is_not_used(charset: str | None) -> None:
    assert charsets.decode("Grüße \\x41".encode(), charset) == "Grüße \\x41"


@given(st.binary(max_size=300), st.sampled_from(["utf-8", "gb2312", "iso-2022-jp", "euc-kr", "us-ascii", "big5"]))
@examples(100)
def test_any_bytes_in_any_charset_are_text(data: bytes, charset: str) -> None:
    charsets.decode(data, charset).encode()


@given(st.text(max_size=100), st.integers(0, 50))
@examples(100)
def test_a_cut_text_is_a_beginning_that_fits(text: str, size: int) -> None:
    text = charsets.remove_unstorable(text)
    cut = charsets.cut_bytes(text, size)
    assert text.startswith(cut)
    assert len(cut.encode()) <= size


@given(st.text(alphabet="<>!-/abp scrit\"'=&;", max_size=200))
@examples(100)
def test_text_of_any_markup_is_found(markup: str) -> None:
    assert "<script" not in plain_text(f"<script>{markup}</script>")


# File names.


@given(st.text(max_size=400))
@examples(100)
def test_a_file_name_is_safe_on_every_system(given_name: str) -> None:
    name = filenames.safe_filename(given_name, "application/pdf", 1)
    assert name
    assert name.isprintable()
    assert len(name) <= 150
    assert not set(name) & set('/\\<>:"|?*')
    assert not name.startswith((".", " "))
    assert not name.endswith((".", " "))
    assert filenames.safe_filename(name, "application/pdf", 1) == name
