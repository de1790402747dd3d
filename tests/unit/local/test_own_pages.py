"""The addresses that only the local stack has."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path

import pytest

from infra import topology
from infra.local.own_pages import PREFIX, Answer, OwnPages

KEYS = dict.fromkeys(
    (
        *("ANIMA_AGENT_KEY", "ANIMA_MASTER_KEY", "ANIMA_AGENT_ID", "OPTICOMM_TEST_KEY", "OPTICOMM_LIVE_KEY"),
        *("OPTICOMM_AGENT_ID", "ATHOS_KEY", "HUM_SESSION", "WIDGET_KEY"),
    ),
    "a-key",
)


@pytest.fixture
def pages(tmp_path: Path) -> OwnPages:
    return OwnPages(KEYS, tmp_path)


def ask(pages: OwnPages, name: str, query: str = "", method: str = "GET", **headers: str) -> Answer:
    sent = {"host": "localhost:8080", **{key.replace("_", "-"): value for key, value in headers.items()}}
    return pages.respond(method, PREFIX + name, query, sent)


def store_mail(folder: Path, subject: str, html: str | None = None) -> str:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "demo@agents.switchboard.example", "you@example.com", subject
    mail.set_content("Hello.")
    if html:
        mail.add_alternative(html, subtype="html")
    (folder / f"{subject}.eml").write_bytes(mail.as_bytes())
    return subject


def test_no_api_has_these_addresses() -> None:
    assert not [path for group in topology.GROUPS for path in group.paths if f"/{path}/".startswith(PREFIX)]


def test_the_keys_are_for_pages_of_this_machine_only(pages: OwnPages) -> None:
    assert json.loads(ask(pages, "keys")["body"])["anima"]["agent"] == "a-key"
    for headers in (
        {"host": "evil.example:8080"},
        {"host": "localhost.evil.example"},
        {"host": ""},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ):
        refused = ask(pages, "keys", **headers)
        assert refused["statusCode"] == 403
        assert "a-key" not in refused["body"]


def test_the_keys_are_readable_by_no_other_origin(pages: OwnPages) -> None:
    assert not [name for name in ask(pages, "keys")["headers"] if name.startswith("access-control")]


def test_mails_are_listed_and_read(pages: OwnPages, tmp_path: Path) -> None:
    id_ = store_mail(tmp_path, "first", "<p>Hello.</p>")
    (listed,) = json.loads(ask(pages, "mail.json")["body"])["mails"]
    assert (listed["id"], listed["to"], listed["subject"]) == (id_, "you@example.com", "first")
    read = json.loads(ask(pages, "mail.json", f"id={id_}")["body"])
    assert (read["text"].strip(), read["has_html"]) == ("Hello.", True)


@pytest.mark.parametrize("id_", ["other", "../first", "..%2Ffirst", "*"])
def test_an_id_leads_to_no_other_file(pages: OwnPages, tmp_path: Path, id_: str) -> None:
    store_mail(tmp_path, "first")
    assert ask(pages, "mail.json", f"id={id_}")["statusCode"] == 404
    assert ask(pages, "mail.html", f"id={id_}")["statusCode"] == 404


def test_the_html_of_a_mail_runs_no_script_even_outside_of_its_frame(pages: OwnPages, tmp_path: Path) -> None:
    id_ = store_mail(tmp_path, "first", "<script>alert(1)</script>")
    policy = ask(pages, "mail.html", f"id={id_}")["headers"]["content-security-policy"]
    assert "allow-scripts" not in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy


def test_other_methods_and_addresses_are_refused(pages: OwnPages) -> None:
    assert ask(pages, "keys", method="POST")["statusCode"] == 405
    assert ask(pages, "nothing")["statusCode"] == 404
