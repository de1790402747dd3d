"""`/docs` and `/openapi/*.json`: the API reference, for people and for tools."""

from __future__ import annotations

import re
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.portal import files, guides, operations
from functions.portal.site import CACHE_FOREVER, REVALIDATE, api, send_file, show_page
from switchboard.errors import NotFound

#: The renderer sets styles of elements, and has icons in data URLs. It runs only scripts from this host. A downloaded
#: response is shown from a blob.
_REFERENCE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    " media-src 'self' blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none';"
    " form-action 'self'"
)


@api.get("/docs", summary="List the APIs", operation_id="docsIndex", public=True)
def show_index() -> Response[Any]:
    return show_page(
        "docs.html", title="Documentation", documents=_list_documents(), guides=list(guides.read_guides().values())
    )


@api.get(
    "/docs/<name>",
    summary="Get the reference page of an API",
    operation_id="docsPage",
    public=True,
)
def show_reference(name: str) -> Response[Any]:
    info = files.list_document_infos().get(name.removesuffix(guides.SUFFIX))
    if info is None:
        raise NotFound("There is no such page: see the list at /docs.")
    if name.endswith(guides.SUFFIX):
        return guides.send_text(operations.write_reference(name.removesuffix(guides.SUFFIX)), guides.MARKDOWN)
    return show_page(
        "reference.html",
        title=info["title"],
        name=name,
        has_renderer=files.find_asset(files.RENDERER) is not None,
        policy=_REFERENCE_POLICY,
    )


@api.get(
    "/docs/assets/<name>",
    summary="Get an asset of the pages",
    operation_id="docsAsset",
    public=True,
)
def get_asset(name: str, v: Annotated[str, Query()] = "") -> Response[str]:
    file = files.find_asset(name)
    if not file:
        raise NotFound("There is no such file: check the address.")
    return send_file(file, CACHE_FOREVER if v == file.digest else REVALIDATE)


@api.get(
    "/openapi/<name>",
    summary="Get the OpenAPI document of an API",
    operation_id="openApi",
    public=True,
)
def get_document(name: str) -> Response[str]:
    file = files.find_document(name.removesuffix(".json")) if name.endswith(".json") else None
    if not file:
        raise NotFound("There is no such document: check the address.")
    return send_file(file, REVALIDATE)


def _list_documents() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "title": info["title"],
            "version": info["version"],
            "about": _summarize(info["description"]),
        }
        for name, info in files.list_document_infos().items()
    ]


def _summarize(description: str) -> str:
    """Returns the first two sentences of a description's first paragraph. Later paragraphs have Markdown."""
    paragraph = description.partition("\n\n")[0]
    return " ".join(re.split(r"(?<=\.)\s", paragraph, maxsplit=2)[:2])
