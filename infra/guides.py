"""The portal's guides, made from Markdown: `python -m infra.guides` writes them to the portal's folder.

The guides are the files of `docs/guides`, the page of webhook events and the changelog. The portal serves their HTML
and their Markdown, so no function needs a renderer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "functions" / "portal" / "guides.json"
FOLDER = ROOT / "docs" / "guides"
#: Where the portal serves the guides.
PLACE = "/docs/guides/"
_NAMES = (
    *("getting-started", "authentication", "errors", "idempotency", "rate-limits", "paging", "webhooks"),
    *("webhook-signatures", "live-events", "test-numbers"),
)
#: The file of each guide by the last part of its address, in the order of reading.
SOURCES = {
    **{name: FOLDER / f"{name}.md" for name in _NAMES},
    "webhook-events": ROOT / "docs" / "webhook-events.md",
    "changelog": ROOT / "CHANGELOG.md",
}
#: Pages that do not begin with a sentence about themselves.
_ABOUT = {"changelog": "The changes for users and operators, newest last."}
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)
_FENCED = re.compile(r"(^```.*?^```)", re.MULTILINE | re.DOTALL)
#: Blocks that show what a command prints. Nobody wants to copy them.
_OUTPUT = frozenset({"json", "text"})


class GuideError(ValueError):
    """A guide cannot be rendered. The message names the file and says what to change."""


class PortalLink(NamedTuple):
    """The addresses of a link's target: the HTML page and the Markdown page, below the home page."""

    html: str
    markdown: str


class _Renderer(RendererHTML):
    """Writes HTML without inline styles, with anchors at headings, and with regions that scroll by themselves."""

    def heading_open(self, tokens: Sequence[Token], at: int, _: OptionsDict, env: dict[str, Any]) -> str:
        text = plain_text(tokens[at + 1])
        anchor = env["anchors"][at]
        # The title of the page needs no link to itself.
        link = f'<a class="anchor" href="#{anchor}" aria-label="Link to {escape(text)}">#</a>' if anchor else ""
        place = f' id="{anchor}"' if anchor else ""
        return f"<{tokens[at].tag}{place}>{link}"

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:  # noqa: ARG002 a rule's signature
        token = tokens[idx]
        kind = "output" if token.info in _OUTPUT else "code"
        code = f"<pre><code>{escape(token.content.rstrip(), quote=False)}</code></pre>"
        return f'<div class="snippet snippet-{kind}">{code}</div>\n'

    def table_open(self, _tokens: Sequence[Token], _at: int, _: OptionsDict, env: dict[str, Any]) -> str:
        env["tables"] = env.get("tables", 0) + 1
        return f'<div class="table" role="region" aria-label="Table {env["tables"]}" tabindex="0"><table>\n'

    def table_close(self, *_: Any) -> str:
        return "</table></div>\n"


def plain_text(token: Token) -> str:
    """Returns the text of a heading or a paragraph without its markup."""
    return "".join(part.content for part in token.children or [] if part.type in ("text", "code_inline"))


def anchor_of(heading: str) -> str:
    """Returns the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def find_link(target: str, source: Path) -> PortalLink | None:
    """Returns the addresses of a link of a file, or `None` if the portal does not serve the target."""
    if re.match(r"https?://|#|/", target):
        return PortalLink(target, target)
    place, _, anchor = target.partition("#")
    path = (source.parent / place).resolve()
    end = f"#{anchor}" if anchor else ""
    for name, file in SOURCES.items():
        if file == path:
            return PortalLink(f"{PLACE}{name}{end}", f"{PLACE}{name}.md{end}")
    return None


def make_markdown(text: str, source: Path) -> str:
    """Returns a file's Markdown for the portal: without comments, and with links that begin at the home page."""

    def convert(found: re.Match[str]) -> str:
        link = find_link(found[2], source)
        return f"[{found[1]}]({link.markdown})" if link else found[1]

    # Every second part is a block of code.
    parts = _FENCED.split(_COMMENT.sub("", text))
    return "".join(part if at % 2 else _LINK.sub(convert, part) for at, part in enumerate(parts))


def make_guide(name: str) -> dict[str, Any]:
    """Returns a guide's title, description, headings, HTML and Markdown. Links begin at the home page."""
    source = SOURCES[name]
    markdown = make_markdown(source.read_text(), source)
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    tokens = parser.parse(markdown)
    if not tokens or tokens[0].tag != "h1":
        raise GuideError(f"{source.name}: begin with a title (`# …`)")
    anchors: dict[int, str] = {}
    headings = []
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            text = plain_text(tokens[at + 1])
            anchors[at] = "" if at == 0 else _unused(anchor_of(text), set(anchors.values()))
            if at:
                headings.append({"id": anchors[at], "text": text})
        for part in token.children or []:
            if part.type == "link_open" and (href := str(part.attrs["href"])).startswith(PLACE):
                part.attrs["href"] = re.sub(r"\.md(?=#|$)", "", href)
    if name not in _ABOUT and tokens[3].type != "paragraph_open":
        raise GuideError(f"{source.name}: begin with a sentence that says what the page is about")
    return {
        "name": name,
        "title": plain_text(tokens[1]),
        "about": _ABOUT.get(name) or re.split(r"(?<=\.)\s", plain_text(tokens[4]), maxsplit=1)[0],
        "headings": headings,
        "html": parser.renderer.render(tokens, parser.options, {"anchors": anchors}),
        "markdown": markdown,
    }


def _unused(anchor: str, used: set[str]) -> str:
    return next(one for one in (anchor, *(f"{anchor}-{count}" for count in range(1, 1_000))) if one not in used)


def render() -> str:
    """Returns the content of the portal's file."""
    return json.dumps([make_guide(name) for name in SOURCES], indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(render())
