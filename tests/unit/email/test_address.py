"""The mailbox of an address."""

from __future__ import annotations

import pytest

from switchboard.email.address import mailbox_of


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada@Example.com", "ada@example.com"),
        ("ada+1@example.com", "ada@example.com"),
        ("ada+1+2@example.com", "ada@example.com"),
        ("ada.l@example.com", "ada.l@example.com"),
        ("a.d.a+x@gmail.com", "ada@gmail.com"),
        ("a.d.a@googlemail.com", "ada@gmail.com"),
        ("+@example.com", "+@example.com"),
    ],
)
def test_spellings_of_an_address_have_one_mailbox(address: str, expected: str) -> None:
    assert mailbox_of(address) == expected
