"""The portal's HTML pages. Links are relative, so the pages also work below the path of a stage."""

from __future__ import annotations

import re
from html import escape

from functions.portal import files

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{head}
</head>
<body>
<header><a class="home" href="{root}docs">Switchboard</a>{links}</header>
{body}
</body>
</html>
"""
_ENTRY = """\
<h2><a href="{root}docs/{name}">{title}</a></h2>
<p>{about}</p>
<p><a href="{root}openapi/{name}.json">OpenAPI document</a>, version {version}</p>"""
#: The only Markdown in the first paragraphs of the documents.
_CODE = re.compile("`([^`]+)`")
_PUBLIC_KEY = re.compile("whk_[0-9a-z]{26}")
_REFERENCE = """\
<main id="swagger-ui" data-document="{root}openapi/{name}.json"></main>
<noscript><p>This page needs JavaScript; the <a href="{root}openapi/{name}.json">document</a> does not.</p></noscript>
<script src="{bundle}"></script>
<script src="{script}"></script>"""


_DEMO = """\
<main class="index">
<h1>Widget demo</h1>
<p>This page shows the widget of a public key whose token allows the origin of this page.</p>
<form action="" method="get">
<p><label>Public key <input name="key" value="{key}" size="34" pattern="whk_[0-9a-z]{{26}}"></label>
<button>Show</button></p>
</form>
{script}
</main>"""


def render_widget_demo(path: str, key: str) -> str:
    """Returns a page with the widget of a public key, and a form for another key."""
    root, shown = _root(path), key if _PUBLIC_KEY.fullmatch(key) else ""
    script = f'<script src="{root}widget.js" data-key="{shown}" async></script>' if shown else ""
    return _PAGE.format(
        title="Switchboard: widget demo",
        head=_style(root, "portal.css"),
        root=root,
        links="",
        body=_DEMO.format(key=shown, script=script),
    )


def render_index(path: str) -> str:
    """Returns the page that lists the APIs."""
    root = _root(path)
    entries = "\n".join(
        _ENTRY.format(
            root=root,
            name=name,
            title=escape(info["title"]),
            about=_CODE.sub(r"<code>\1</code>", escape(info["description"].partition("\n\n")[0])),
            version=escape(info["version"]),
        )
        for name, info in files.list_document_infos().items()
    )
    body = f'<main class="index">\n<h1>API reference</h1>\n{entries}\n</main>'
    return _PAGE.format(
        title="Switchboard: API reference", head=_style(root, "portal.css"), root=root, links="", body=body
    )


def render_reference(path: str, name: str) -> str:
    """Returns the reference page of one API."""
    root, title = _root(path), escape(files.list_document_infos()[name]["title"])
    return _PAGE.format(
        title=title,
        head="\n".join(_style(root, style) for style in ("swagger-ui.min.css", "portal.css")),
        root=root,
        links=f'<a href="{root}openapi/{name}.json">{title}</a>',
        body=_REFERENCE.format(
            root=root, name=name, bundle=_asset(root, "swagger-ui-bundle.min.js"), script=_asset(root, "portal.js")
        ),
    )


def _root(path: str) -> str:
    return "../" * (path.count("/") - 1)


def _style(root: str, name: str) -> str:
    return f'<link rel="stylesheet" href="{_asset(root, name)}">'


def _asset(root: str, name: str) -> str:
    file = files.find_asset(name)
    assert file is not None
    return f"{root}docs/assets/{name}?v={file.digest}"
