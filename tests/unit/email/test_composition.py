"""Composing mail: a customer's text never becomes a header, and machine-readable parts are written unchanged."""

from __future__ import annotations

import email
import email.header
import email.policy
import re
import time
from email.message import Message as Mime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.email import charsets, outgoing_headers, parsing, people
from switchboard.email.composition import compose_mail
from switchboard.email.models import Message
from tests.unit.properties import example_settings

LONG_ID = "<AM0PR05MB6834D2C88EE7DD0B43CC6B35E8A0A@AM0PR05MB6834.eurprd05.prod.outlook.com>"
INJECTION = "=?utf-8?q?Hi=0D=0ABcc=3A_evil=40example.com=0D=0A=0D=0Abody?="
#: Texts that could become a header by mistake.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300) | st.sampled_from(
    [INJECTION, INJECTION * 9, "=?utf-8?b?SGkNCkJjYzogYQ==?=", "a" * 3_000, "é" * 500, '"', "<a@b.c>, d", "x  " * 90]
)


def make_message(**facts: Any) -> Message:
    given_: dict[str, Any] = {
        "id": "msg_1",
        "org_id": "org_1",
        "thread_id": "msg_1",
        "correlation_id": "corr_1",
        "created_at": "2026-01-15T17:00:00.000Z",
        "updated_at": "2026-01-15T17:00:00.000Z",
        "from_address": "bot@agents.example",
        "from_name": "Bot",
        "to": ["you@example.com"],
        "subject": "Hello",
        "body": "Body",
    }
    return Message(**{**given_, **facts})


def compose(**facts: Any) -> Mime:
    """The mail as the strictest parser sees it: line by line, without a policy."""
    return email.message_from_bytes(compose_mail(make_message(**facts)).content)


def unfold_header(mime: Mime, name: str) -> str:
    return str(mime[name]).replace("\r\n", "").replace("\n", "")


def decode_header(mime: Mime, name: str) -> str:
    return str(email.header.make_header(email.header.decode_header(unfold_header(mime, name))))


@pytest.mark.parametrize("place", ["subject", "from_name", "header"])
def test_an_encoded_line_end_makes_no_header(place: str) -> None:
    mime = compose(**({"headers": {"X-A": INJECTION}} if place == "header" else {place: INJECTION}))
    assert mime["Bcc"] is None
    assert mime.get_payload() == "Body\r\n"
    assert decode_header(mime, {"subject": "Subject", "from_name": "From", "header": "X-A"}[place]).startswith(
        INJECTION
    )


@given(subject=TEXTS, name=TEXTS, value=TEXTS)
@example_settings(100)
def test_a_mail_has_exactly_the_headers_that_were_set(subject: str, name: str, value: str) -> None:
    mime = compose(subject=subject, from_name=name, headers={"X-One": value})
    assert mime.keys() == [
        "From", "To", "Subject", "Auto-Submitted", *(["X-One"] if value.strip(" ") else []), "MIME-Version",
        "Content-Type", "Content-Transfer-Encoding",
    ]  # fmt: skip
    assert decode_header(mime, "Subject") == subject.strip(" ")
    if value.strip(" "):
        assert decode_header(mime, "X-One") == value.strip(" ")
    read = parsing.parse_mail(compose_mail(make_message(subject=subject, from_name=name)).content)
    assert (read.from_address, read.text.strip()) == ("bot@agents.example", "Body")
    assert read.from_name == charsets.cut_bytes(" ".join(name.split(" ")).strip(), 320) or "  " in name


@given(TEXTS)
@example_settings(100)
def test_no_line_is_longer_than_a_relay_takes(value: str) -> None:
    head = compose_mail(make_message(subject=value, headers={"X-" + "A" * 70: value})).content.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert head.isascii()


def test_machine_readable_headers_are_written_unchanged() -> None:
    link = f"<https://example.com/unsubscribe/{'x' * 150}>"
    headers = {"List-Unsubscribe": link, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    mime = compose(in_reply_to=LONG_ID, references=[LONG_ID, "<b@example.com>"] * 8, headers=headers)
    assert unfold_header(mime, "In-Reply-To") == LONG_ID
    assert unfold_header(mime, "References").split() == [LONG_ID, "<b@example.com>"] * 8
    assert unfold_header(mime, "List-Unsubscribe") == link
    assert mime["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_people_are_written_with_their_names() -> None:
    value = '"Support, Inc." <support@example.com>, Grüße <b@Example.com>, plain@example.com'
    found = parsing.parse_mail(compose_mail(make_message(headers={"Reply-To": value})).content)
    assert found.reply_to == ["support@example.com", "b@example.com", "plain@example.com"]
    mime = email.message_from_bytes(
        compose_mail(make_message(headers={"Reply-To": value})).content, policy=email.policy.default
    )
    assert [one.display_name for one in mime["Reply-To"].addresses] == ["Support, Inc.", "Grüße", ""]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("Reply-To", bad) for bad in ("support@", '"', ".<a", " .-,", "a@example.com,", "Support", "", "a@b@c")),
        *(("Reply-To", bad) for bad in ("a@example.com, Support", "<a@example.com", "a@example.com; evil")),
        *(("List-Unsubscribe", bad) for bad in ("https://example.com", "<ftp://example.com>", "<https://a b>", "é")),
        ("List-Unsubscribe-Post", "yes"),
    ],
)
def test_a_structured_header_is_refused_if_malformed(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"send"):
        outgoing_headers.customer_header(name, value)


@pytest.mark.parametrize("value", ["", "<>", "<a b@example.com>", "<a@example.com>\r\nBcc: x", "<é@example.com>"])
def test_an_invalid_message_id_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="is not a Message-ID"):
        outgoing_headers.check_message_id(value)


@pytest.mark.parametrize(
    "facts",
    [
        {"to": ["a@example.com\r\nBcc: b@example.com"]},
        {"to": ["a@example.com, b@example.com"]},
        {"from_address": "a b@example.com"},
        {"headers": {"X-A: b\r\nBcc": "c@example.com"}},
        {"in_reply_to": "<a@b>\r\nBcc: c@example.com"},
    ],
)
def test_content_that_cannot_be_written_raises(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        compose_mail(make_message(**facts))


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=2_000), st.none() | st.text("aé\n\r <>=.", max_size=99)
)
@example_settings(100)
def test_a_body_is_read_as_it_was_written(body: str, html: str | None) -> None:
    content = compose_mail(make_message(body=body, body_html=html)).content
    parts = [part for part in email.message_from_bytes(content).walk() if not part.is_multipart()]
    for part, text in zip(parts, [body, *([html] if html else [])], strict=True):
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        wanted = re.sub(r"\r\n?", "\n", text)
        assert payload.decode().replace("\r\n", "\n").removesuffix("\n") == wanted
    assert max(map(len, content.split(b"\r\n"))) <= 998


def test_people_are_read_as_mailers_write_them() -> None:
    assert list(people.parse_people("alice@example.org <bob@example.com>")) == [
        ("alice@example.org", "bob@example.com")
    ]
    assert list(people.parse_people("Team: a@example.com, B <b@example.com>;")) == [
        ("", "a@example.com"),
        ("B", "b@example.com"),
    ]


def test_header_patterns_take_linear_time() -> None:
    for bad in ('"' * 8_000, '"a\\' * 2_700, "<" * 8_000, "> ," * 2_600, " " * 8_000, "a," * 4_000, "(" * 8_000):
        began = time.perf_counter()
        for name in ("Reply-To", "List-Unsubscribe"):
            with pytest.raises(ValueError, match=r"send"):
                outgoing_headers.customer_header(name, bad)
        list(people.parse_people(bad * 4))
        assert time.perf_counter() - began < 0.5
