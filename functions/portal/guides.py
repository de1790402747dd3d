"""`/docs/guides`, `/llms.txt` and the Markdown of each page: the documentation for people and for language models.

`infra/guides.py` makes the guides from Markdown. `/llms.txt` has the form of https://llmstxt.org.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response
from markupsafe import Markup

from functions.portal import files, operations
from functions.portal.site import REVALIDATE, api, redirect_to, send_file, show_page
from switchboard.edge.landing import relative_root
from switchboard.errors import NotFound

_FILE = Path(__file__).parent / "guides.json"
#: RFC 7763.
MARKDOWN = "text/markdown; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
#: The end of the address of a page's Markdown.
SUFFIX = ".md"
#: Links of guides begin at the home page. In a page they are relative, so that they work below the path of a stage.
_LINK_IN_HTML = re.compile(r'(?<=href=")/')
_LINK_IN_MARKDOWN = re.compile(r"(?<=\]\()/")
#: Long pages that a model needs only for single questions.
_OPTIONAL = frozenset({"webhook-events", "changelog"})
_INTRODUCTION = """\
# Switchboard

> Switchboard sends mail, places calls and exchanges texts for AI agents, back ends and teams.
> Four APIs (Anima, OptiComm, Athos and HUM) share organizations, compliance rules and one audit chain.

Each API has its own keys, its own form of errors and its own base path. Read the guide of authentication first.
"""


@api.get("/docs/guides", summary="Get the list of guides", operation_id="guidesIndex", public=True)
def show_guides() -> Response[Any]:
    return redirect_to("docs")


@api.get("/docs/guides/<name>", summary="Get a guide", operation_id="guidePage", public=True)
def show_guide(name: str) -> Response[Any]:
    guide = read_guides().get(name.removesuffix(SUFFIX))
    if guide is None:
        raise NotFound("There is no such guide: see the list at /docs.")
    if name.endswith(SUFFIX):
        return send_text(guide["markdown"], MARKDOWN)
    root = relative_root(api.exchange.request.path)
    # The HTML is made from our own files.
    html = Markup(_LINK_IN_HTML.sub(root, guide["html"]))  # noqa: S704
    return show_page("guide.html", title=guide["title"], guide=guide, html=html, guides=list(read_guides().values()))


@api.get("/docs/search.json", summary="Get the index of the search", operation_id="docsSearch", public=True)
def get_search_index() -> Response[str]:
    return send_text(_make_search_index(), "application/json")


@api.get("/llms.txt", summary="Get the list of pages for models", operation_id="llmsIndex", public=True)
def get_llms_index() -> Response[str]:
    return send_text(_make_llms_index(), _TEXT)


@api.get("/llms-full.txt", summary="Get all pages as one text", operation_id="llmsFull", public=True)
def get_llms_full() -> Response[str]:
    return send_text(_make_llms_full(), _TEXT)


def send_text(text: str, media_type: str) -> Response[str]:
    """Returns a text whose Markdown links begin at the home page."""
    root = relative_root(api.exchange.request.path).removeprefix("./")
    text = _LINK_IN_MARKDOWN.sub(root, text)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return send_file(files.File(text, media_type, digest), REVALIDATE)


@cache
def read_guides() -> dict[str, dict[str, Any]]:
    """Returns the guides by name, in the order of reading."""
    return {guide["name"]: guide for guide in json.loads(_FILE.read_text())}


@cache
def _make_search_index() -> str:
    entries = [
        _search_entry("Guide", guide["title"], f"docs/guides/{name}", guide["about"])
        for name, guide in read_guides().items()
    ]
    entries += [
        _search_entry(guide["title"], heading["text"], f"docs/guides/{name}#{heading['id']}", "")
        for name, guide in read_guides().items()
        for heading in guide["headings"]
    ]
    for name, info in files.list_document_infos().items():
        entries += [
            _search_entry(info["title"], one.summary, f"docs/{name}#{one.anchor}", f"{one.method} {one.path}")
            for one in operations.list_operations(name)
        ]
    return json.dumps(entries, separators=(",", ":"), ensure_ascii=False)


def _search_entry(kind: str, title: str, path: str, text: str) -> dict[str, str]:
    return {"kind": kind, "title": title, "path": path, "text": text}


@cache
def _make_llms_index() -> str:
    lines = [_INTRODUCTION, "## Guides\n"]
    lines += [_list_entry(guide) for name, guide in read_guides().items() if name not in _OPTIONAL]
    lines.append("\n## API reference\n")
    for name, info in files.list_document_infos().items():
        about = re.split(r"(?<=\.)\s", info["description"], maxsplit=1)[0]
        lines.append(f"- [{info['title']}](/docs/{name}.md): {about}")
    lines.append("\n## Optional\n")
    lines += [_list_entry(guide) for name, guide in read_guides().items() if name in _OPTIONAL]
    lines.append("- [All pages as one text](/llms-full.txt): The guides and the reference of all four APIs.")
    lines += [
        f"- [OpenAPI document of the {info['title']}](/openapi/{name}.json): For tools and generators."
        for name, info in files.list_document_infos().items()
    ]
    return "\n".join(lines) + "\n"


def _list_entry(guide: dict[str, Any]) -> str:
    return f"- [{guide['title']}](/docs/guides/{guide['name']}.md): {guide['about']}"


@cache
def _make_llms_full() -> str:
    guides = [guide["markdown"].strip() for guide in read_guides().values()]
    references = [operations.write_reference(name).strip() for name in files.list_document_infos()]
    return "\n\n---\n\n".join([_INTRODUCTION.strip(), *guides, *references]) + "\n"
