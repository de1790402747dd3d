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

api = Api(Hum(), "portal", tag="Documentation")


@api.get("/docs", summary="List the APIs", operation_id="docsIndex", public=True)
def show_index() -> Response[str]:
    return _page(pages.render_index(api.exchange.request.path))


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


def _page(html: str) -> Response[str]:
    headers = {"Cache-Control": _REVALIDATE, "Content-Security-Policy": _POLICY, "Referrer-Policy": "same-origin"}
    return Response(200, "text/html; charset=utf-8", html, headers)


def _file(file: File, cache_control: str) -> Response[str]:
    tag = f'"{file.digest}"'
    headers = {"Cache-Control": cache_control, "ETag": tag}
    if tag in (api.exchange.request.headers.get("if-none-match") or ""):
        return Response(304, None, "", headers)
    return Response(200, file.media_type, file.text, headers)


handler = api.handler
