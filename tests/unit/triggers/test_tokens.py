"""The tokens of triggers."""

from __future__ import annotations

from switchboard.accounts import credentials
from switchboard.triggers import tokens


def test_a_token_has_a_checksum_and_is_different_each_time() -> None:
    one, other = tokens.mint_token(), tokens.mint_token()
    assert one.text != other.text
    assert len(one.text) == len("hit_") + 38
    assert credentials.is_well_formed("hit_", one.text)
    assert not credentials.is_well_formed("hit_", one.text[:-1] + ("a" if one.text[-1] != "a" else "b"))
    assert not credentials.is_well_formed("hit_", one.text + "0")


def test_the_same_seed_gives_the_same_token() -> None:
    assert tokens.mint_token(b"x" * 32) == tokens.mint_token(b"x" * 32)
    assert tokens.mint_token(b"x" * 32).hash == tokens.hash_token(tokens.mint_token(b"x" * 32).text)
