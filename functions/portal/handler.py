"""`/docs` and `/openapi/*.json`: the API reference, for people and for tools."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.portal import files, pages
from functions.portal.files import File
from switchboard.dialects.hum.dialect import Hum
from switchboard.edge.api import Api
from switchboard.errors import NotFound

_CACHE_FOREVER = "public, max-age=31536000, immutable"
_REVALIDATE = "public, max-age=0, must-revalidate"
#: Swagger UI uses inline styles, and icons in data URLs. It runs only scripts from this host.
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " frame-ancestors 'none'; form-action 'self'"
)

#: The demo of the widget is a page with a strict policy: what the widget needs, and nothing else.
_DEMO_POLICY = (
    "default-src 'none'; script-src 'self' https://challenges.cloudflare.com; style-src 'self'; connect-src 'self';"
    " frame-src https://challenges.cloudflare.com; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
#: Partners' pages get a new version of the widget within this time.
_CACHE_SHORTLY = "public, max-age=300"

api = Api(Hum(), "portal", tag="Documentation")


@api.get("/docs", summary="List the APIs", operation_id="docsIndex", public=True)
def show_index() -> Response[str]:
    return _page(pages.render_index(api.exchange.request.path))


@api.get(
    "/docs/widget-demo",
    summary="Get a page that shows a widget",
    operation_id="docsWidgetDemo",
    public=True,
)
def show_widget_demo(key: Annotated[str, Query(max_length=100)] = "") -> Response[str]:
    return _page(pages.render_widget_demo(api.exchange.request.path, key), _DEMO_POLICY)


@api.get(
    "/widget.js",
    summary="Get the script of the widget",
    operation_id="widgetScript",
    public=True,
)
def get_widget() -> Response[str]:
    file = files.find_asset("widget.js")
    assert file is not None
    answer = _file(file, _CACHE_SHORTLY)
    # Pages of all origins may load it, also those that require such a statement (Cross-Origin-Embedder-Policy).
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


@api.get(
    "/docs/<name>",
    summary="Get the reference page of an API",
    operation_id="docsPage",
    public=True,
)
def show_reference(name: str) -> Response[str]:
    if name not in files.list_document_infos():
        raise NotFound("There is no such API: check the address.")
    return _page(pages.render_reference(api.exchange.request.path, name))


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
    return _file(file, _CACHE_FOREVER if v == file.digest else _REVALIDATE)


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
    return _file(file, _REVALIDATE)


def _page(html: str, policy: str = _POLICY) -> Response[str]:
    headers = {"Cache-Control": _REVALIDATE, "Content-Security-Policy": policy, "Referrer-Policy": "same-origin"}
    return Response(200, "text/html; charset=utf-8", html, headers)


def _file(file: File, cache_control: str) -> Response[str]:
    tag = f'"{file.digest}"'
    headers = {"Cache-Control": cache_control, "ETag": tag}
    if tag in (api.exchange.request.headers.get("if-none-match") or ""):
        return Response(304, None, "", headers)
    return Response(200, file.media_type, file.text, headers)


handler = api.handler
