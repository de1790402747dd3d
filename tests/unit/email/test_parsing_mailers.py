"""Mail of real mail programs, with and without their deviations from the standards."""

from __future__ import annotations

import time

import pytest

from switchboard.email import charsets
from switchboard.email.html_text import plain_text
from switchboard.email.mime_models import ParsedMail
from switchboard.email.parsing import parse_mail


def make_mail(head: str, body: bytes = b"x") -> ParsedMail:
    head = head if head.startswith("From:") else f"From: a@example.com\r\n{head}"
    return parse_mail(head.encode() + b"\r\n\r\n" + body)


@pytest.mark.parametrize(
    ("header", "name", "address"),
    [
        ("alice@example.org <bob@example.com>", "alice@example.org", "bob@example.com"),
        ('"Park, Ada" <ada@example.com>', "Park, Ada", "ada@example.com"),
        ("ada@example.com (Ada Park)", "Ada Park", "ada@example.com"),
        ("Ada <@relay.example:ada@example.com>", "Ada", "ada@example.com"),
        ("Ada <ada@example.com", "Ada", "ada@example.com"),
        ('"Ada" <ada @ example.com>', "Ada", "ada@example.com"),
        ("=?utf-8?q?Park,_Ada?= <ada@example.com>", "Park, Ada", "ada@example.com"),
        ("Ada (a (b) c) <ada@example.com>", "Ada (a (b) c)", "ada@example.com"),
        ("Team: ada@example.com;", "", "ada@example.com"),
        ('"unclosed <ada@example.com>', '"unclosed', "ada@example.com"),
    ],
)
def test_the_sender_is_the_address_in_brackets(header: str, name: str, address: str) -> None:
    found = make_mail(f"From: {header}")
    assert (found.from_name, found.from_address) == (name, address)


@pytest.mark.parametrize("spelling", ["base64 ", "BASE64", "base64 (as ever)", "base64; x=y", "\tbase64\t"])
def test_an_encoding_is_known_by_its_name(spelling: str) -> None:
    assert make_mail(f"Content-Transfer-Encoding: {spelling}", b"SGVsbG8=").text == "Hello"


def test_quoted_printable_is_known_by_its_name() -> None:
    assert make_mail("Content-Transfer-Encoding: quoted-printable ", b"a=3Db").text == "a=b"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<HTML><HEAD /><BODY><p>Some text here</p></BODY></HTML>", "Some text here"),
        ("<head><title>x</title><body>Text", "Text"),
        ("<title/>Text", "Text"),
        ("<style>p {}</style><script>1</script>Text", "Text"),
        ("<head><style>p {}</style></head><body>Text</body>", "Text"),
        ("<head><title>t</title><body>Text</body></head>", "Text"),
    ],
)
def test_an_unclosed_tag_hides_no_text(markup: str, text: str) -> None:
    assert plain_text(markup).split()[-1] == text.rsplit(maxsplit=1)[-1]
    assert text in plain_text(markup)


def test_html_text_takes_linear_time() -> None:
    for piece in ("<head>", "<title><", "</head", "<script/>", "<!--"):
        began = time.perf_counter()
        plain_text(piece * 60_000)
        assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("ISO-2022-JP", bytes.fromhex("1B24422D21327135441B2842"), "\u2460\u4f1a\u8b70"),
        ("ISO-2022-JP", b'a\x1b$B$"\x1b(Bb', "a\u3042b"),
        ("ISO-2022-JP", b"\x1b(I1\x1b(B", "\uff71"),
        ("EUC-JP", b"\xad\xa1\xb2\xf1\xb5\xc4 ok", "\u2460\u4f1a\u8b70 ok"),
        ("tis-620", b"\xa1\x80", "\u0e01\u20ac"),
        ("windows-949", b"\xb0\xa1", "\uac00"),
        (
            "utf-8",
            "h\u00e9llo w\u00f6rld".encode() + b"\xe1 " + "\u00f1".encode(),
            "h\u00e9llo w\u00f6rld\ufffd \u00f1",
        ),
        ("utf-8", b"caf\xe9", "caf\u00e9"),
        ("utf-8", b"na\xefve caf\xe9 \x93x\x94", "na\u00efve caf\u00e9 \u201cx\u201d"),
        (None, "\u00e9\u00e8".encode() + b"\xff", "\u00e9\u00e8\ufffd"),
    ],
)
def test_a_charset_is_read_as_browsers_read_it(charset: str | None, data: bytes, text: str) -> None:
    assert charsets.decode(data, charset) == text


def test_every_jis_pair_is_decoded_as_by_python() -> None:
    for first in range(0x21, 0x75):
        for second in range(0x21, 0x7F):
            try:
                wanted = bytes((0x1B, 0x24, 0x42, first, second, 0x1B, 0x28, 0x42)).decode("iso2022_jp")
            except UnicodeError:
                continue
            found = charsets.decode(b"\x1b$B" + bytes((first, second)) + b"\x1b(B", "iso-2022-jp")
            # Six characters have two mappings to Unicode: browsers and Windows choose the full-width one.
            assert found == wanted or wanted in "\\\u301c\u2016\u2212\u00a2\u00a3\u00ac\uff3c", (first, second)


def test_blanks_before_a_colon_end_no_headers() -> None:
    found = make_mail("X-Confident-delivery : user@example.com\r\nSubject\t: hi\r\nContent-Type: text/plain", b"A : b")
    assert (found.subject, found.text) == ("hi", "A : b")


def test_blanks_before_a_colon_of_a_part_end_no_headers() -> None:
    body = (
        b"--bb\r\nContent-Disposition : attachment; filename=x.txt\r\n\r\nA : b\r\n"
        b"--bb\r\nContent-Type : text/plain\r\n\r\nC : d\r\n--bb--\r\n"
    )
    found = make_mail('Content-Type: multipart/mixed; boundary="bb"', body)
    assert found.text == "C : d"
    assert [(one.filename, one.content) for one in found.attachments] == [("x.txt", b"A : b")]


@pytest.mark.parametrize(
    "kind", ['mixed boundary="bb"', 'mixed; charset=utf-8 boundary="bb"', "mixed\r\n\tboundary=bb"]
)
def test_a_parameter_needs_no_semicolon(kind: str) -> None:
    body = (
        b"--bb\r\nContent-Type: text/plain charset=iso-8859-1\r\n\r\n\xe9\r\n"
        b"--bb\r\nContent-Disposition: attachment; filename=x.pdf\r\n\r\npdf\r\n--bb--\r\n"
    )
    found = make_mail(f"Content-Type: multipart/{kind}", body)
    assert (found.text, [one.filename for one in found.attachments]) == ("\u00e9", ["x.pdf"])


def make_multipart(kind: str, *parts: str) -> bytes:
    made = "".join(f"--{kind}\r\n{part}\r\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary={kind}\r\n\r\n{made}--{kind}--\r\n".encode()


PLAIN, HTML = "Content-Type: text/plain\r\n\r\nplain", "Content-Type: text/html\r\n\r\n<p>html</p>"
FOOTER = "Content-Type: text/plain\r\n\r\nfooter"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (make_multipart("mixed", HTML, FOOTER), "html\nfooter"),
        (make_multipart("alternative", PLAIN, HTML), "plain"),
        (make_multipart("alternative", HTML), "html"),
        (make_multipart("mixed", make_multipart("alternative", PLAIN, HTML).decode(), FOOTER), "plain\nfooter"),
        (make_multipart("mixed", PLAIN, HTML), "plain\nhtml"),
        (make_multipart("alternative", PLAIN, make_multipart("related", HTML).decode()), "plain"),
        (make_multipart("mixed", HTML, HTML), "html\nhtml"),
    ],
)
def test_the_text_is_the_visible_text(content: bytes, text: str) -> None:
    assert parse_mail(b"From: a@example.com\r\n" + content).text == text


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b"UEsDBBQAAAAIAA==\r\nemVkIGZpbGUgY29udGVudA==", 26),
        (b"QQ==QQ==QUI=", 4),
        (b"QUJDR", 3),
        (b"QUJD====", 3),
        (b"", 0),
        (b"!!QUJD??", 3),
    ],
)
def test_base64_in_pieces_is_decoded_completely(data: bytes, size: int) -> None:
    (found,) = make_mail("Content-Type: application/zip\r\nContent-Transfer-Encoding: base64", data).attachments
    assert len(found.content) == size


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("DR, RN, NRN", None),
        ("none", None),
        ("OOF", "auto-response-suppress"),
        ("DR, AutoReply", "auto-response-suppress"),
        ("All", "auto-response-suppress"),
    ],
)
def test_a_sender_without_receipt_request_may_get_a_reply(value: str, reason: str | None) -> None:
    assert make_mail(f"X-Auto-Response-Suppress: {value}").automatic == reason


LONG = 400_000


@pytest.mark.parametrize(
    "raw",
    [
        b"From: " + b"<" * LONG + b"@\r\n\r\nx",
        b"From: " + b'"a\\' * (LONG // 3) + b"\r\n\r\nx",
        b"From: " + b"(" * LONG + b"@\r\n\r\nx",
        b"From: " + b"=?a?q?x" * (LONG // 7) + b"@\r\n\r\nx",
        b"From: a@b.c\r\n" + b"X   \r\n" * (LONG // 6) + b"\r\nx",
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"a : b\r\n" * (LONG // 7),
        b"Content-Type: text/plain" + b" charset=a" * (LONG // 10) + b"\r\n\r\nx",
        b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" + b"\x1b$B!!\x1b(B" * (LONG // 8),
        b"Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"=" * LONG,
        b"X-Auto-Response-Suppress: " + b"," * LONG + b"\r\n\r\nx",
    ],
    ids=range(10),
)
def test_hostile_input_takes_linear_time(raw: bytes) -> None:
    # A pattern that scans again from each position takes minutes.
    began = time.perf_counter()
    parse_mail(raw)
    assert time.perf_counter() - began < 5
