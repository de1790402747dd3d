"""An effect of a key happens once in 24 hours, and its secrets can be made again by the second run alone."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from switchboard.aws import reads, secret
from switchboard.aws.writes import Put
from switchboard.kit import clock, texts
from switchboard.persistence.idempotency import (
    AlreadyDoneError,
    EarlierEffect,
    IdempotencyKey,
    IdempotencyMismatch,
    commit_once,
    find_earlier_effect,
)

DAY = 24 * 60 * 60
MADE = Put(table="core", item={"pk": "made", "sk": "made"})


def effect(**facts: Any) -> IdempotencyKey:
    return IdempotencyKey(**{"scope": "org_1", "key": "key", "fingerprint": "a", **facts})


def marker_id(scope: str = "org_1", key: str = "key") -> str:
    return f"effect#{scope}#{texts.digest(key)}"


@pytest.mark.usefixtures("cloud")
def test_a_marker_says_what_was_made_by_which_request_and_how_long_it_counts(frozen: clock.FrozenClock) -> None:
    one = effect()
    commit_once(one, "made_1", MADE)
    assert reads.get_item("idempotency", {"id": marker_id()}) == {
        "id": marker_id(),
        "subject_id": "made_1",
        "fingerprint": "a",
        "salt": one.salt,
        "expiration": int(frozen.at) + DAY,
    }


@pytest.mark.usefixtures("cloud")
def test_a_marker_that_is_still_there_after_its_24_hours_counts_no_more(frozen: clock.FrozenClock) -> None:
    # The table may delete an expired item days later.
    first, second = effect(), effect()
    commit_once(first, "made_1", MADE)
    frozen.advance(seconds=DAY)
    assert find_earlier_effect(second) == EarlierEffect("made_1", first.salt)
    assert commit_once(second, "made_2", MADE) == EarlierEffect("made_1", first.salt)
    frozen.advance(seconds=1)
    assert find_earlier_effect(second) is None
    assert commit_once(second, "made_2", MADE) is None
    assert find_earlier_effect(effect()) == EarlierEffect("made_2", second.salt)


@pytest.mark.usefixtures("cloud")
def test_another_scope_or_key_is_another_effect() -> None:
    commit_once(effect(), "made_1", MADE)
    for other in (effect(scope="org_2"), effect(key="key2")):
        assert find_earlier_effect(other) is None
        assert commit_once(other, "made_2", MADE) is None


@pytest.mark.usefixtures("cloud")
def test_a_key_of_another_request_is_refused_in_words() -> None:
    commit_once(effect(), "made_1", MADE)
    for attempt in (lambda: commit_once(effect(fingerprint="b"), "x", MADE), effect(fingerprint="b").require_new):
        with pytest.raises(IdempotencyMismatch) as refused:
            attempt()
        assert refused.value.code == "idempotency_mismatch"
        assert str(refused.value) == "This Idempotency-Key was used for another request: use a new key."


@pytest.mark.usefixtures("cloud")
def test_an_earlier_run_is_told_by_what_it_made() -> None:
    one = effect()
    commit_once(one, "made_1", MADE)
    with pytest.raises(AlreadyDoneError, match=r"^made_1$") as done:
        effect().require_new()
    assert (done.value.subject_id, done.value.salt) == ("made_1", one.salt)


def test_every_effect_has_a_salt_of_its_own_and_two_of_one_request_are_equal() -> None:
    one, other = effect(), effect()
    assert one == other
    assert one.salt != other.salt
    assert len(bytes.fromhex(one.salt)) == 16


def test_a_seed_is_made_by_the_published_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    root = b"a root secret that never changes"
    monkeypatch.setattr(secret, "_root", cache(lambda: root))
    one = effect(salt="salt")

    def derived(salt: str) -> bytes:
        info = "\x1f".join(("effect", "org_1", "key", salt, "label")).encode()
        return HKDF(SHA256(), 32, salt=b"switchboard", info=info).derive(root)

    assert one.derive_seed("label") == derived("salt")
    assert one.derive_seed("label", "the first run's") == derived("the first run's")
