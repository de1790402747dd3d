"""Mail that is written to cost much: it takes time and room by its size."""

from __future__ import annotations

import re
import time
from email.message import Message as Mime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.email import automatic, parsing
from tests.unit.properties import examples

SEMICOLONS = b";" * 4_000


def of_parts(headers: bytes, parts: int, body: bytes = b"x") -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\n\n" + (b"--b\n" + headers + b"\n" + body + b"\n") * parts


@pytest.mark.parametrize(
    "raw",
    [
        of_parts(b'Content-Type: text/plain; x="' + SEMICOLONS + b"\n", 500),
        of_parts(b'Content-Disposition: inline; x="' + SEMICOLONS + b"\n", 500),
        of_parts(b'Content-Type: a/b; x="' + SEMICOLONS + b'\nContent-Disposition: attachment; y="' + SEMICOLONS, 250),
        of_parts(b'Content-Type: multipart/mixed; x="' + SEMICOLONS + b"\n", 500),
        of_parts(b"", 30_000, body=b""),
        b"From: " + b"<" * 400_000 + b"postmaster@example.com\n\n",
    ],
    ids=["type", "disposition", "both", "multipart", "empty parts", "sender"],
)
def test_it_is_read_in_a_time_by_its_size(raw: bytes) -> None:
    began = time.process_time()
    parsing.parse(raw)
    assert time.process_time() - began < 2.5


def test_the_parameters_of_a_part_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    get_params = Mime._get_params_preserve  # type: ignore[attr-defined]

    def counting(self: Mime, failobj: object, header: str) -> object:
        read.append(header)
        return get_params(self, failobj, header)

    raw = of_parts(b"Content-Type: text/plain; charset=utf-8\nContent-Disposition: inline; a=b\n", 10)
    monkeypatch.setattr(Mime, "_get_params_preserve", counting)
    parsing.parse(raw)
    assert (read.count("content-disposition"), read.count("content-type")) == (10, 10 + 1)


def test_a_name_behind_many_parameters_is_read() -> None:
    given_ = b"; ".join(b"a%d=b" % number for number in range(60)) + b"; filename=plan.pdf"
    (found,) = parsing.parse(of_parts(b"Content-Disposition: attachment; " + given_ + b"\n", 1)).attachments
    assert found.filename == "plan.pdf"


MACHINES = re.compile(r"(^|[<\s,\"])(mailer-daemon|postmaster)@", re.IGNORECASE)


@given(
    st.lists(st.sampled_from(["<", ">", " ", ",", '"', "x", "MAILER-DAEMON", "postmaster", "@", "a.b"])).map("".join)
)
@examples(300)
def test_a_machine_is_known_by_its_whole_name(sender: str) -> None:
    reason = automatic.by_headers(lambda name: sender if name == "from" else "", 0)
    assert reason == ("mailer-daemon" if MACHINES.search(sender) else None)
