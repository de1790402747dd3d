"""What is composed: a customer's text never becomes a header, and what machines read is written as it is."""

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
from tests.unit.properties import examples

LONG_ID = "<AM0PR05MB6834D2C88EE7DD0B43CC6B35E8A0A@AM0PR05MB6834.eurprd05.prod.outlook.com>"
INJECTION = "=?utf-8?q?Hi=0D=0ABcc=3A_evil=40example.com=0D=0A=0D=0Abody?="
#: Texts of which a header may be made wrongly.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300) | st.sampled_from(
    [INJECTION, INJECTION * 9, "=?utf-8?b?SGkNCkJjYzogYQ==?=", "a" * 3_000, "é" * 500, '"', "<a@b.c>, d", "x  " * 90]
)


def message(**facts: Any) -> Message:
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


def written(**facts: Any) -> Mime:
    """The mail as a reader of the strictest kind has it: by lines, with no policy of its own."""
    return email.message_from_bytes(compose_mail(message(**facts)).content)


def unfolded(mime: Mime, name: str) -> str:
    return str(mime[name]).replace("\r\n", "").replace("\n", "")


def decoded(mime: Mime, name: str) -> str:
    return str(email.header.make_header(email.header.decode_header(unfolded(mime, name))))


@pytest.mark.parametrize("place", ["subject", "from_name", "header"])
def test_an_encoded_line_end_makes_no_header(place: str) -> None:
    mime = written(**({"headers": {"X-A": INJECTION}} if place == "header" else {place: INJECTION}))
    assert mime["Bcc"] is None
    assert mime.get_payload() == "Body\r\n"
    assert decoded(mime, {"subject": "Subject", "from_name": "From", "header": "X-A"}[place]).startswith(INJECTION)


@given(subject=TEXTS, name=TEXTS, value=TEXTS)
@examples(100)
def test_a_mail_has_exactly_the_headers_that_were_set(subject: str, name: str, value: str) -> None:
    mime = written(subject=subject, from_name=name, headers={"X-One": value})
    assert mime.keys() == [
        "From", "To", "Subject", "Auto-Submitted", *(["X-One"] if value.strip(" ") else []), "MIME-Version",
        "Content-Type", "Content-Transfer-Encoding",
    ]  # fmt: skip
    assert decoded(mime, "Subject") == subject.strip(" ")
    if value.strip(" "):
        assert decoded(mime, "X-One") == value.strip(" ")
    read = parsing.parse_mail(compose_mail(message(subject=subject, from_name=name)).content)
    assert (read.from_address, read.text.strip()) == ("bot@agents.example", "Body")
    assert read.from_name == charsets.cut_bytes(" ".join(name.split(" ")).strip(), 320) or "  " in name


@given(TEXTS)
@examples(100)
def test_no_line_is_longer_than_a_relay_takes(value: str) -> None:
    head = compose_mail(message(subject=value, headers={"X-" + "A" * 70: value})).content.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert head.isascii()


def test_what_a_machine_reads_is_written_as_it_is() -> None:
    link = f"<https://example.com/unsubscribe/{'x' * 150}>"
    headers = {"List-Unsubscribe": link, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    mime = written(in_reply_to=LONG_ID, references=[LONG_ID, "<b@example.com>"] * 8, headers=headers)
    assert unfolded(mime, "In-Reply-To") == LONG_ID
    assert unfolded(mime, "References").split() == [LONG_ID, "<b@example.com>"] * 8
    assert unfolded(mime, "List-Unsubscribe") == link
    assert mime["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_people_are_written_with_their_names() -> None:
    value = '"Support, Inc." <support@example.com>, Grüße <b@Example.com>, plain@example.com'
    found = parsing.parse_mail(compose_mail(message(headers={"Reply-To": value})).content)
    assert found.reply_to == ["support@example.com", "b@example.com", "plain@example.com"]
    mime = email.message_from_bytes(
        compose_mail(message(headers={"Reply-To": value})).content, policy=email.policy.default
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
def test_a_header_with_a_form_of_its_own_is_refused_without_it(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"send"):
        outgoing_headers.customer_header(name, value)


@pytest.mark.parametrize("value", ["", "<>", "<a b@example.com>", "<a@example.com>\r\nBcc: x", "<é@example.com>"])
def test_what_is_no_message_id_is_refused(value: str) -> None:
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
def test_what_cannot_be_written_raises(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        compose_mail(message(**facts))


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=2_000), st.none() | st.text("aé\n\r <>=.", max_size=99)
)
@examples(100)
def test_a_body_is_read_as_it_was_written(body: str, html: str | None) -> None:
    content = compose_mail(message(body=body, body_html=html)).content
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


def test_a_form_that_is_matched_takes_no_time_for_long_nonsense() -> None:
    for bad in ('"' * 8_000, '"a\\' * 2_700, "<" * 8_000, "> ," * 2_600, " " * 8_000, "a," * 4_000, "(" * 8_000):
        began = time.perf_counter()
        for name in ("Reply-To", "List-Unsubscribe"):
            with pytest.raises(ValueError, match=r"send"):
                outgoing_headers.customer_header(name, bad)
        list(people.parse_people(bad * 4))
        assert time.perf_counter() - began < 0.5
