"""The audit chain: verification finds every change, omission and move."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.audit import chain
from switchboard.audit.models import GENESIS, ChainHead
from switchboard.events.models import Actor, Event, Subject
from tests.unit.properties import examples

TEXT = st.text(max_size=12)
DATA = st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.none(), st.lists(TEXT, max_size=3)), max_size=3)


def build_event(number: int, data: dict[str, Any]) -> Event:
    return Event(
        id=f"evt_{number}",
        org_id="org_1",
        type="email.sent",
        at="2026-01-15T17:00:00.000Z",
        actor=Actor(type="agent", id="agt_1"),
        agent_id="agt_1",
        correlation_id="corr_1",
        subject=Subject(type="message", id=f"msg_{number}"),
        data=data,
    )


def seal(contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    head, documents = ChainHead(0, GENESIS), []
    for number, data in enumerate(contents):
        link = chain.make_link(build_event(number, data), head)
        head = ChainHead(link.seq, link.hash)
        documents.append(link.document)
    return documents


CHAINS = st.lists(DATA, min_size=2, max_size=6).map(seal)
_CHAIN = seal([{"n": number} for number in range(5)])


@given(CHAINS)
@examples(50)
def test_a_chain_and_its_json_copy_verify(documents: list[dict[str, Any]]) -> None:
    verdict = chain.verify_export(json.loads(json.dumps(documents)))
    assert (verdict.links, verdict.head, verdict.fault) == (len(documents), documents[-1][chain.HASH_FIELD], None)


@given(CHAINS, st.data())
@examples(150)
def test_any_changed_removed_or_added_field_is_found(documents: list[dict[str, Any]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(documents) - 1))
    changed = copy.deepcopy(documents)
    name = data.draw(st.sampled_from([*changed[place], "added"]))
    value = data.draw(st.one_of(st.just("removed"), TEXT, st.integers(), st.none()))
    if value == "removed":
        changed[place].pop(name, None)
    else:
        changed[place][name] = value
    if changed == documents and [list(map(repr, one.items())) for one in changed] == [
        list(map(repr, one.items())) for one in documents
    ]:
        return
    verdict = chain.verify_export(changed)
    assert verdict.fault is not None
    # A changed hash is found at the next link, whose back reference it breaks, if not at its own link.
    assert verdict.links in (place, place + 1)


@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(lambda documents: documents[1:], id="the first is missing"),
        pytest.param(lambda documents: documents[:2] + documents[3:], id="one is missing"),
        pytest.param(lambda documents: [documents[1], documents[0], *documents[2:]], id="two have changed places"),
        pytest.param(lambda documents: [*documents[:2], documents[1], *documents[2:]], id="one is there twice"),
        pytest.param(lambda documents: documents[::-1], id="backwards"),
    ],
)
def test_a_missing_moved_or_repeated_link_is_found(
    tamper: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
) -> None:
    assert chain.verify_export(tamper(_CHAIN)).fault is not None


def test_a_changed_and_rehashed_link_breaks_the_next_link() -> None:
    changed = copy.deepcopy(_CHAIN)
    changed[2]["metadata"] = {"n": 42}
    changed[2][chain.HASH_FIELD] = chain.digest_of(changed[2])
    assert chain.verify_export(changed) == (
        3,
        changed[2][chain.HASH_FIELD],
        "link 4: seq 4 does not name the hash of seq 3",
    )


def test_a_truncated_end_shows_only_in_the_head() -> None:
    verdict = chain.verify_export(_CHAIN[:3])
    assert verdict.fault is None
    assert verdict.head != _CHAIN[-1][chain.HASH_FIELD]


def test_a_part_verifies_only_after_its_own_head() -> None:
    head = ChainHead(2, _CHAIN[1][chain.HASH_FIELD])
    assert chain.verify_export(_CHAIN[2:], head).fault is None
    assert chain.verify_export(_CHAIN[2:]).fault is not None
    assert chain.verify_export(_CHAIN[2:], ChainHead(2, _CHAIN[0][chain.HASH_FIELD])).fault is not None


def test_the_hash_is_as_documented() -> None:
    document = _CHAIN[0]
    body = {name: value for name, value in document.items() if name != "immutableHash"}
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    expected = hashlib.sha256((document["prevHash"] + "\n" + canonical).encode()).hexdigest()
    assert document["immutableHash"] == f"sha256:{expected}"
    assert document["prevHash"] == "sha256:" + "0" * 64
