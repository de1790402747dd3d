"""Mail designed to be expensive: its cost in time and space grows with its size only."""

from __future__ import annotations

import random
import re
import time
from email.message import Message as Mime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.aws import reads
from switchboard.email import automatic, inbound, parsing, service, store
from tests.actors import Tenant, tenant
from tests.unit.email.test_inbound import make_notice
from tests.unit.properties import example_settings

SEMICOLONS = b";" * 4_000


def make_mail(headers: bytes, parts: int, body: bytes = b"x") -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\n\n" + (b"--b\n" + headers + b"\n" + body + b"\n") * parts


@pytest.mark.parametrize(
    "raw",
    [
        make_mail(b'Content-Type: text/plain; x="' + SEMICOLONS + b"\n", 500),
        make_mail(b'Content-Disposition: inline; x="' + SEMICOLONS + b"\n", 500),
        make_mail(b'Content-Type: a/b; x="' + SEMICOLONS + b'\nContent-Disposition: attachment; y="' + SEMICOLONS, 250),
        make_mail(b'Content-Type: multipart/mixed; x="' + SEMICOLONS + b"\n", 500),
        make_mail(b"", 30_000, body=b""),
        b"From: " + b"<" * 400_000 + b"postmaster@example.com\n\n",
    ],
    ids=["type", "disposition", "both", "multipart", "empty parts", "sender"],
)
def test_parsing_time_is_linear_in_size(raw: bytes) -> None:
    began = time.process_time()
    parsing.parse_mail(raw)
    assert time.process_time() - began < 2.5


def test_the_parameters_of_a_part_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    get_params = Mime._get_params_preserve  # type: ignore[attr-defined]

    def counting(self: Mime, failobj: object, header: str) -> object:
        read.append(header)
        return get_params(self, failobj, header)

    raw = make_mail(b"Content-Type: text/plain; charset=utf-8\nContent-Disposition: inline; a=b\n", 10)
    monkeypatch.setattr(Mime, "_get_params_preserve", counting)
    parsing.parse_mail(raw)
    assert (read.count("content-disposition"), read.count("content-type")) == (10, 10 + 1)


def test_a_name_behind_many_parameters_is_read() -> None:
    given_ = b"; ".join(b"a%d=b" % number for number in range(60)) + b"; filename=plan.pdf"
    (found,) = parsing.parse_mail(make_mail(b"Content-Disposition: attachment; " + given_ + b"\n", 1)).attachments
    assert found.filename == "plan.pdf"


MACHINES = re.compile(r"(^|[<\s,\"])(mailer-daemon|postmaster)@", re.IGNORECASE)


@given(
    st.lists(st.sampled_from(["<", ">", " ", ",", '"', "x", "MAILER-DAEMON", "postmaster", "@", "a.b"])).map("".join)
)
@example_settings(300)
def test_an_automatic_sender_is_recognized_by_its_whole_name(sender: str) -> None:
    reason = automatic.automatic_reason(lambda name: sender if name == "from" else "", 0)
    assert reason == ("mailer-daemon" if MACHINES.search(sender) else None)


FOUR_BYTES = "\U0001d54f"


def address_headers(header: str, length: int) -> bytes:
    """Address headers with the maximum of people, five times."""
    named = [f"{number:03}{FOUR_BYTES * length}@e.org" for number in range(100)]
    lines = (f"{header}: {', '.join(named[begin : begin + 20])}\r\n" for begin in range(0, 100, 20))
    return "".join(lines).encode()


def random_text(size: int) -> str:
    """Text that compression does not shrink."""
    chance = random.Random(1)
    return "".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(size // 3))


def largest_mail(length: int) -> bytes:
    """A mail with the maximum of everything."""
    head = b"From: a@example.com\r\nSubject: " + FOUR_BYTES.encode() * 400 + b"\r\n"
    head += b"".join(address_headers(name, length) for name in ("To", "Cc", "Reply-To"))
    head += b"References: " + b" ".join(b"<%d%s@x>" % (n, b"r" * 900) for n in range(30)) + b"\r\n"
    head += b"".join(b"X-%d: %s\r\n" % (number, b"h" * 1_900) for number in range(20))
    part = b'--b\r\nContent-Type: application/pdf; name="' + FOUR_BYTES.encode() * 150 + b'.pdf"\r\n'
    part += b"Content-ID: <" + FOUR_BYTES.encode() * 300 + b">\r\n\r\nx\r\n"
    text = b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + random_text(210_000).encode() + b"\r\n"
    return head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + text + part * 110 + b"--b--\r\n"


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


@pytest.mark.parametrize("length", [10, 75, 290])
def test_a_mail_with_the_maximum_of_everything_is_stored(acme: Tenant, length: int) -> None:
    (landed,) = inbound.receive_mail(make_notice(largest_mail(length), acme.address))
    found = service.get_message(acme.caller(), landed.id)
    assert (found.to, found.cc, len(found.attachments)) == (landed.to, landed.cc, 50)
    stored = list(reads.Query(table="activity", partition=store.message_key(acme.org_id, landed.id)["pk"]).read_all())
    sizes = [_size(item) for item in stored]
    assert max(sizes) < 390_000, sizes


def _size(value: object) -> int:
    """The approximate size that DynamoDB counts."""
    if isinstance(value, dict):
        return sum(len(name) + 1 + _size(one) for name, one in value.items()) + 3
    if isinstance(value, list):
        return sum(1 + _size(one) for one in value) + 3
    return len(value) if isinstance(value, bytes) else len(str(value).encode())


def test_people_and_names_share_a_limit_of_bytes() -> None:
    found = parsing.parse_mail(largest_mail(75))
    kept = [*found.to, *found.cc, *found.reply_to]
    assert (len(found.to), len(found.cc)) == (100, 100)
    assert all(len(address.encode()) <= 320 for address in kept)
    assert 80_000 < sum(len(address.encode()) for address in kept) < 96 * 1024
    assert {one.content_id for one in found.attachments} == {None}
    assert [one.filename for one in found.attachments[-2:]] == ["attachment-49.pdf", "attachment-50.pdf"]
    assert parsing.parse_mail(largest_mail(290)).to == []


def test_the_people_and_files_of_real_mail_are_all_kept() -> None:
    found = parsing.parse_mail(largest_mail(4))
    assert [len(one) for one in (found.to, found.cc, found.reply_to)] == [100, 100, 100]
    assert found.attachments[0].filename.startswith(FOUR_BYTES)
    assert found.attachments[0].content_id
