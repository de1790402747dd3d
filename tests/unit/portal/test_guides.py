"""The guides: HTML and Markdown, their links, the search, and the texts for language models."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin

import pytest
from standardwebhooks import Webhook

from functions.portal import files
from functions.portal import guides as portal_guides
from infra import guides, node
from tests import pages
from tests.unit.portal.test_portal import get_page, list_links

pytestmark = pytest.mark.usefixtures("cloud")

NAMES = list(guides.SOURCES)
_BASE = "https://example.com"
_MARKDOWN_LINK = re.compile(r"\]\(([^)\s]+)\)")
#: An address has a limit of requests per minute.
_ADDRESSES = itertools.count(1)


@cache
def get(path: str) -> dict[str, Any]:
    """Returns a page. Pages are the same for all tests, so each is made once."""
    number = next(_ADDRESSES)
    return get_page(path, source_ip=f"198.51.{number // 250}.{number % 250 + 1}")


class Ids(HTMLParser):
    """Collects the ids of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name == "id" and value]


@cache
def list_ids(page: str) -> tuple[str, ...]:
    parser = Ids()
    parser.feed(page)
    return tuple(parser.found)


def require_link(path: str, link: str) -> None:
    """Fails if a link of the page at `path` leads nowhere."""
    address, anchor = urldefrag(urljoin(f"{_BASE}{path}", link))
    # Other hosts, and the functions of the API and of the sign-in.
    if not address.startswith(_BASE) or re.search(r"/(auth|api)/", address):
        return
    answer = get(address)
    assert answer["statusCode"] in (200, 302), f"{path} links to {link}"
    if anchor and answer["headers"]["content-type"].startswith("text/html"):
        assert anchor in list_ids(answer["body"]), f"{path} links to {link}"


def test_the_file_is_up_to_date() -> None:
    assert guides.FILE.read_text() == guides.render(), "run `python -m infra.guides` (make openapi)"


def test_every_file_of_the_folder_is_a_guide() -> None:
    assert {path.stem for path in guides.FOLDER.glob("*.md")} <= guides.SOURCES.keys(), "add it to infra/guides.py"


@pytest.mark.parametrize("name", NAMES)
def test_every_link_of_a_guide_leads_to_a_place(name: str) -> None:
    path = f"/docs/guides/{name}"
    page = get(path)
    assert page["statusCode"] == 200
    links = re.findall(r'(?:href|src)="([^"]+)"', page["body"])
    for link in dict.fromkeys(links):
        require_link(path, link)


@pytest.mark.parametrize("path", [f"/docs/guides/{name}.md" for name in NAMES] + ["/llms.txt", "/llms-full.txt"])
def test_every_link_of_a_markdown_page_leads_to_a_place(path: str) -> None:
    text = get(path)["body"]
    for link in dict.fromkeys(_MARKDOWN_LINK.findall(re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL))):
        assert not link.startswith("/"), f"{path} has a link that does not work below the path of a stage: {link}"
        require_link(path, link)


@pytest.mark.parametrize("name", NAMES)
def test_a_guide_works_below_an_unknown_path_and_has_unique_ids(name: str) -> None:
    page = get(f"/docs/guides/{name}")
    assert "unsafe" not in page["headers"]["content-security-policy"]
    assert not re.search(r"\son\w+=|style=|<style", page["body"])
    assert not [link for link in list_links(page["body"]) if link.startswith("/")]
    ids = list_ids(page["body"])
    assert len(ids) == len(set(ids))


def test_a_guide_of_a_person_is_kept_by_no_shared_cache() -> None:
    assert get("/docs/guides/webhooks")["headers"]["cache-control"] == "private, no-cache"
    markdown = get("/docs/guides/webhooks.md")
    assert markdown["headers"]["content-type"] == "text/markdown; charset=utf-8"
    again = get_page("/docs/guides/webhooks.md", If_None_Match=markdown["headers"]["etag"])
    assert again["statusCode"] == 304


@pytest.mark.parametrize(
    "path", ["/docs/guides/nothing", "/docs/guides/nothing.md", "/docs/nothing", "/docs/nothing.md"]
)
def test_an_unknown_page_is_404_and_names_the_list_of_pages(path: str) -> None:
    answer = get(path)
    assert answer["statusCode"] == 404
    assert "see the list at /docs" in answer["body"]


def test_the_list_of_guides_is_the_documentations_first_page() -> None:
    assert get("/docs/guides")["headers"]["location"] == "../docs"
    page = get("/docs")["body"]
    assert all(f"docs/guides/{name}" in page for name in NAMES)


def test_the_search_finds_every_guide_and_every_operation() -> None:
    entries = json.loads(get("/docs/search.json")["body"])
    found = {entry["text"] for entry in entries}
    for name in files.list_document_infos():
        file = files.find_document(name)
        assert file is not None
        for path, item in json.loads(file.text)["paths"].items():
            assert {f"{method.upper()} {path}" for method in item} <= found
    for entry in entries:
        if entry["path"].startswith("docs/guides/"):
            require_link("/docs", f"../{entry['path']}")


def test_the_index_for_models_has_the_form_of_its_standard() -> None:
    answer = get("/llms.txt")
    assert answer["headers"]["content-type"] == "text/plain; charset=utf-8"
    lines = [line for line in answer["body"].splitlines() if line]
    assert lines[0] == "# Switchboard"
    assert lines[1].startswith("> ")
    sections = [line for line in lines if line.startswith("#")][1:]
    assert sections == ["## Guides", "## API reference", "## Optional"]
    entries = lines[lines.index("## Guides") :]
    assert all(re.fullmatch(r"## .+|- \[[^\]]+\]\([^)\s]+\): .+\.", line) for line in entries)


def test_the_full_text_has_every_guide_and_every_api() -> None:
    text = get("/llms-full.txt")["body"]
    titles = [guide["title"] for guide in portal_guides.read_guides().values()]
    titles += [info["title"] for info in files.list_document_infos().values()]
    assert [title for title in titles if f"\n# {title}\n" not in text] == []
    assert len(json.dumps(text)) < 6_000_000, "a response of Lambda has at most 6 MB"


def test_markdown_keeps_its_code_and_loses_links_to_other_files() -> None:
    source = guides.FOLDER / "errors.md"
    text = "See [one](../calls.txt) and [two](paging.md#the-rules).\n\n```sh\necho [a](../calls.txt)\n```\n"
    made = guides.make_markdown(text, source)
    assert "See one and [two](/docs/guides/paging.md#the-rules)." in made
    assert "echo [a](../calls.txt)" in made


def test_the_python_of_the_guide_verifies_a_delivery() -> None:
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '{"test": 2432232314}'
    code = find_code("python")
    exec(code, {"secret": secret, "body": body, "headers": sign(secret, body)})
    with pytest.raises(Exception, match="No matching signature"):
        exec(code, {"secret": secret, "body": body + " ", "headers": sign(secret, body)})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"webhook-id": "msg_2"}, False),
        ({"webhook-timestamp": "1614265330"}, False),
        ({"webhook-signature": "v1,AAAA"}, False),
        ({"webhook-signature": "v1"}, False),
    ],
)
def test_the_node_code_of_the_guide_verifies_a_delivery(change: dict[str, str], expected: bool) -> None:
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '{"test": 2432232314}'
    asked = json.dumps([secret, sign(secret, body) | change, body])
    done = subprocess.run(
        [node.node_binary(), "--input-type=module", "-"],
        input=f"{find_code('js')}\nconsole.log(verify(...{asked}));",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == ("true" if expected else "false")


def find_code(kind: str) -> str:
    text = (guides.FOLDER / "webhook-signatures.md").read_text()
    return next(block.text for block in pages.blocks(text) if block.kind == kind)


def sign(secret: str, body: str) -> dict[str, str]:
    now = datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", now, body)
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
