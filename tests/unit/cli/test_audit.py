"""`switchboard audit` and `switchboard usage`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from switchboard.audit import sealing
from switchboard.audit import service as audit
from switchboard.audit.chain import HASH_FIELD
from switchboard.audit.models import GENESIS
from switchboard.audit.store import ChainEnd
from switchboard.aws import clients
from switchboard.email import service as email
from switchboard.email.models import MailDraft
from switchboard.events.models import Actor, Event, Subject
from switchboard.kit import clock, ids, settings
from tests.actors import Tenant
from tests.unit.cli.conftest import Run


def build_event(org_id: str, number: int) -> Event:
    return Event(
        id=ids.new_id("evt"),
        org_id=org_id,
        type="email.sent",
        at=clock.now_iso(),
        actor=Actor(type="system", id="tëst"),
        correlation_id=f"corr_{number}",
        subject=Subject(type="message", id=f"msg_{number}"),
        data={"number": number},
    )


@pytest.fixture
def sealed(acme: Tenant) -> Tenant:
    """An organization with a chain of seven links."""
    sealing.seal_events(acme.org_id, [build_event(acme.org_id, number) for number in range(7)])
    return acme


@pytest.fixture
def exported(sealed: Tenant, run: Run, tmp_path: Path) -> Path:
    path = tmp_path / "chain.jsonl"
    assert run("audit", "export", sealed.org_id, "-o", str(path)).code == 0
    return path


def read_documents(path: Path) -> list[dict[str, Any]]:
    """Returns the documents of an export, without its head."""
    *documents, _ = map(json.loads, path.read_text().splitlines())
    return documents


def export_text(documents: list[dict[str, Any]], head: dict[str, Any] | None = None) -> str:
    """Returns an export of documents with the head of the last document, or with another head."""
    claimed = head or {"seq": documents[-1]["seq"], "hash": documents[-1][HASH_FIELD]}
    return "\n".join(map(json.dumps, [*documents, {"head": claimed}]))


def test_export_writes_the_chain_oldest_first(sealed: Tenant, exported: Path, run: Run) -> None:
    documents = read_documents(exported)
    assert [document["seq"] for document in documents] == [1, 2, 3, 4, 5, 6, 7]
    assert (documents[0]["prevHash"], documents[-1][HASH_FIELD]) == (GENESIS, audit.get_head(sealed.org_id).hash)
    (head,) = [json.loads(line) for line in exported.read_text().splitlines()][7:]
    assert head == {"head": {"seq": 7, "hash": documents[-1][HASH_FIELD]}}
    printed = run("audit", "export", sealed.org_id)
    assert printed.out == exported.read_text()
    assert printed.err == f"7 links, head {documents[-1][HASH_FIELD]}\n"


def test_export_continues_over_several_batches(sealed: Tenant, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard.cli.audit._BATCH", 2)
    assert len(run("audit", "export", sealed.org_id).out.splitlines()) == 7 + 1
    assert run("audit", "verify", "--org", sealed.org_id, "--json").json["links"] == 7


def test_an_export_of_a_store_with_a_lost_link_is_refused_and_leaves_no_file(
    sealed: Tenant, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("switchboard.audit.store.get_end", lambda _: ChainEnd(audit.ChainHead(7, GENESIS), []))
    monkeypatch.setattr("switchboard.audit.service.export_documents", lambda *_: iter(()))
    answer = run("audit", "export", sealed.org_id, "-o", str(tmp_path / "chain"))
    assert (answer.code, answer.err) == (
        1,
        "switchboard: The store lacks seq 1, although the chain's head is seq 7: restore it from a backup.\n",
    )
    assert list(tmp_path.iterdir()) == []
    assert run("audit", "verify", "--org", sealed.org_id).code == 1


def test_an_export_to_a_missing_folder_is_bad_usage(sealed: Tenant, run: Run, tmp_path: Path) -> None:
    assert run("audit", "export", sealed.org_id, "-o", str(tmp_path / "no" / "chain")).code == 2


def test_verify_needs_a_file_and_no_deployment(
    exported: Path, run: Run, cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    head = read_documents(exported)[-1][HASH_FIELD]
    with monkeypatch.context() as patch:
        for name in cloud:
            patch.delenv(name)
        settings.clear_cache()
        patch.setattr(clients, "get_client", lambda _: pytest.fail("a verification of a file needs no AWS"))
        found = run("audit", "verify", str(exported), "--json").json
        assert found == {"links": 7, "head": head, "proven": True, "fault": None}
        assert run("audit", "verify", str(exported), "--expect-head", head).code == 0


def test_verify_reads_the_standard_input(exported: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(exported.read_text()))
    assert run("audit", "verify", "-", "--json").json["links"] == 7


def list_answers(path: Path, size: int) -> list[dict[str, Any]]:
    """Returns the answers of `GET /v1/audit/export`, part by part."""
    documents = read_documents(path)
    head = {"seq": 7, "hash": documents[-1][HASH_FIELD]}
    parts = [documents[start : start + size] for start in range(0, 7, size)]
    return [{"organization_id": "org", "head": head, "documents": part, "next_after": None} for part in parts]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("size", [7, 3])
def test_verify_accepts_the_answers_of_the_api(exported: Path, run: Run, size: int, indent: int | None) -> None:
    parts = list_answers(exported, size)
    exported.write_text("\n".join(json.dumps(part, indent=indent) for part in parts))
    assert run("audit", "verify", str(exported), "--json").json["links"] == 7
    exported.write_text("".join(json.dumps(part, indent=indent) for part in parts[:1]))
    cut = run("audit", "verify", str(exported))
    assert cut.code == (0 if size == 7 else 1)


def test_verify_accepts_one_list_of_documents(exported: Path, run: Run) -> None:
    documents = read_documents(exported)
    exported.write_text(json.dumps(documents, indent=1))
    answer = run("audit", "verify", str(exported), "--expect-head", documents[-1][HASH_FIELD], "--json")
    assert answer.json["links"] == 7
    assert "its end is missing" in run("audit", "verify", str(exported)).err


def test_verify_finds_a_head_that_does_not_match_the_chain(exported: Path, run: Run) -> None:
    (answer,) = list_answers(exported, 7)
    answer["head"]["hash"] = GENESIS
    exported.write_text(json.dumps(answer))
    assert run("audit", "verify", str(exported)).code == 1
    answer["head"] = {"seq": 9, "hash": GENESIS}
    exported.write_text(json.dumps(answer))
    assert "ends before its head at seq 9" in run("audit", "verify", str(exported)).err


@pytest.mark.parametrize("kept", range(8))
def test_verify_finds_a_truncated_end(exported: Path, run: Run, kept: int) -> None:
    head = read_documents(exported)[-1][HASH_FIELD]
    exported.write_text("".join(exported.read_text().splitlines(keepends=True)[:kept]))
    answer = run("audit", "verify", str(exported))
    assert answer.code == 3
    assert "not proven: " in answer.err
    assert "its end is missing" in answer.err
    assert ("it is empty" in answer.err) is (kept == 0)
    assert "--head" in answer.err
    # The file needs no head if the caller passes the hash: with the number of links, or for all of them.
    assert run("audit", "verify", str(exported), "--expect-head", head).code == (0 if kept == 7 else 1)
    if 0 < kept < 7:
        assert "differs from the expected" in run("audit", "verify", str(exported), "--expect-head", head).err


def test_verify_finds_links_that_are_missing_before_the_head(exported: Path, run: Run) -> None:
    documents = read_documents(exported)
    head = {"seq": 7, "hash": documents[-1][HASH_FIELD]}
    for kept, told in ((5, "it ends before its head at seq 7"), (0, "it ends before its head at seq 7")):
        exported.write_text(export_text(documents[:kept], head))
        answer = run("audit", "verify", str(exported))
        assert (answer.code, told in answer.err) == (1, True)
    for claimed, told in (
        ({"seq": 5, "hash": documents[4][HASH_FIELD]}, "its head is seq 5, but it continues to seq 7"),
        ({"seq": 7, "hash": GENESIS}, "the head at seq 7 has another hash"),
        ({"seq": "7", "hash": GENESIS}, "its head is malformed"),
        ({"seq": 7}, "its head is malformed"),
    ):
        exported.write_text(export_text(documents, claimed))
        answer = run("audit", "verify", str(exported))
        assert (answer.code, told in answer.err) == (1, True)
    exported.write_text(f"{export_text(documents[:3])}\n{export_text(documents[3:5])}\n{json.dumps(documents[5])}")
    assert "its end is missing" in run("audit", "verify", str(exported)).err


def test_an_empty_chain_has_a_head(acme: Tenant, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "chain.jsonl"
    assert run("audit", "export", acme.org_id, "-o", str(path)).code == 0
    assert json.loads(path.read_text()) == {"head": {"seq": 0, "hash": GENESIS}}
    assert run("audit", "verify", str(path), "--json").json == {
        "links": 0,
        "head": GENESIS,
        "proven": True,
        "fault": None,
    }
    path.write_text(json.dumps({"head": {"seq": 0, "hash": GENESIS}, "documents": [], "next_after": None}))
    assert run("audit", "verify", str(path)).code == 0


def test_verify_finds_every_changed_byte(exported: Path, run: Run) -> None:
    """A change of any byte of a document breaks the chain, and never causes a stack trace."""
    whole = exported.read_bytes()
    for place in range(0, len(whole), 23):
        if whole[place : place + 1].isspace():
            continue
        changed = bytearray(whole)
        changed[place] ^= 1
        exported.write_bytes(changed)
        answer = run("audit", "verify", str(exported))
        assert answer.code == 1, whole[place - 20 : place + 20]
        assert "does not hold" in answer.err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda documents: documents.pop(3), "expected seq 4, found 5"),
        (lambda documents: documents.reverse(), "expected seq 1, found 7"),
        (lambda documents: documents[2]["metadata"].update(number=99), "seq 3 was changed"),
        (lambda documents: documents[2].update(prevHash=GENESIS), "seq 3 does not name the hash of seq 2"),
    ],
)
def test_verify_names_the_first_fault(exported: Path, run: Run, change: Callable[[Any], None], told: str) -> None:
    documents = read_documents(exported)
    change(documents)
    exported.write_text("\n".join([*map(json.dumps, documents), exported.read_text().splitlines()[-1]]))
    answer = run("audit", "verify", str(exported))
    assert answer.code == 1
    assert told in answer.err


def test_verify_names_the_line_where_a_file_is_truncated(exported: Path, run: Run) -> None:
    (answer,) = list_answers(exported, 7)
    exported.write_text(json.dumps(answer)[:22])
    told = run("audit", "verify", str(exported)).err
    assert "it is not JSON: Unterminated string starting at: line 1 column 21\n" in told
    exported.write_text(json.dumps(answer["documents"][0]) + '\n{"seq": 2,')
    told = run("audit", "verify", str(exported)).err
    assert "it is not JSON: Expecting property name enclosed in double quotes: line 2 column 11\n" in told


def test_text_around_the_documents_is_in_no_link(exported: Path, run: Run) -> None:
    (answer,) = list_answers(exported, 7)
    exported.write_text(json.dumps(answer | {"organization_id": "another", "next_after": 9}))
    assert run("audit", "verify", str(exported)).code == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "nonsense",
        "{}",
        "[1]",
        '"text"',
        "[" * 100_000,
        '{"seq": 1, "seq": 2}',
        '{"documents": 3}',
        '{"head": {"seq": [1]}, "documents": [{"seq": [1]}]}',
        f'{{"seq": 1, "prevHash": "{GENESIS}", "immutableHash": "x", "id": "\\ud800"}}',
        f'{{"seq": {"9" * 5000}}}',
    ],
)
def test_verify_refuses_a_file_that_is_not_an_export(run: Run, tmp_path: Path, text: str) -> None:
    path = tmp_path / "export"
    path.write_text(text)
    answer = run("audit", "verify", str(path))
    assert answer.code == (1 if text.strip() else 3), "an empty file has no fault, and proves nothing"
    assert answer.err.count("\n") == 1


def test_verify_takes_the_head_of_a_second_file(exported: Path, run: Run, tmp_path: Path) -> None:
    whole = exported.read_text()
    head = tmp_path / "head.json"
    head.write_text(whole.splitlines()[-1])
    chain = tmp_path / "links.jsonl"
    chain.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    assert run("audit", "verify", str(chain)).code == 3
    assert run("audit", "verify", str(chain), "--head", str(head)).code == 0
    chain.write_text("".join(whole.splitlines(keepends=True)[:3]))
    cut = run("audit", "verify", str(chain), "--head", str(head))
    assert (cut.code, "differs from the expected" in cut.err) == (1, True)
    for wrong in ("nothing", str(chain)):
        assert run("audit", "verify", str(chain), "--head", wrong).code == 2


def test_verify_without_a_source_is_bad_usage(run: Run, tmp_path: Path) -> None:
    assert run("audit", "verify").code == 2
    assert run("audit", "verify", "file", "--org", "org_1").code == 2
    missing = run("audit", "verify", str(tmp_path / "none"))
    assert (missing.code, missing.err.count("\n")) == (2, 1)


def test_verify_reads_the_store(sealed: Tenant, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = run("audit", "verify", "--org", sealed.org_id, "--json").json
    assert found == {"links": 7, "head": audit.get_head(sealed.org_id).hash, "proven": True, "fault": None}
    monkeypatch.setattr(audit, "get_head", lambda _: audit.ChainHead(7, GENESIS))
    assert "the head at seq 7 has another hash" in run("audit", "verify", "--org", sealed.org_id).err


def test_usage_shows_a_month(acme: Tenant, run: Run, frozen: clock.FrozenClock) -> None:
    email.send_message(acme.caller(), MailDraft(to=["a@example.com", "b@example.com"], subject="s", body="b"))
    shown = run("usage", "show", acme.org_id, "--json").json
    assert (shown["month"], shown["email"], shown["spent_cents"], shown["cap_cents"]) == ("2026-01", 2, 0.1, None)
    assert run("usage", "show", acme.org_id, "--month", "2025-12", "--json").json["email"] == 0
    assert run("usage", "show", acme.org_id, "--month", "2025-13").code == 2
