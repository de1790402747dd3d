"""`/errors`: a page for each error code of the four APIs. `infra/error_pages.py` makes their data from the code."""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response

from functions.portal.site import api, show_page
from switchboard.errors import NotFound

_FILE = Path(__file__).parent / "errors.json"
_APIS = {"anima": "Anima", "opticomm": "OptiComm", "athos": "Athos", "hum": "HUM"}


@api.get("/errors", summary="List the error codes", operation_id="errorsIndex", public=True)
def show_errors() -> Response[Any]:
    pages = _read_pages()
    codes = {
        api_name: [
            {"slug": slug, "code": use["code"], "statuses": use["statuses"], "meaning": page["meaning"]}
            for slug, page in pages.items()
            for use in page["uses"]
            if use["api"] == api_name and "meaning" in page
        ]
        for api_name in _APIS
    }
    reasons = {slug: page for slug, page in pages.items() if "reason" in page}
    return show_page("errors.html", title="Errors", apis=_APIS, codes=codes, reasons=reasons)


@api.get("/errors/<code>", summary="Get the page of an error code", operation_id="errorPage", public=True)
def show_error(code: str) -> Response[Any]:
    # People may paste a code as the API sends it.
    slug = code.lower().replace("_", "-")
    page = _read_pages().get(slug)
    if page is None:
        raise NotFound("There is no such error code: see the list at /errors.")
    uses = [{**use, "statuses": [_status(one) for one in use["statuses"]]} for use in page["uses"]]
    title = page.get("reason") or page["uses"][0]["code"]
    examples = [json.dumps(use["example"], indent=2, ensure_ascii=False) for use in page["uses"]]
    return show_page("error.html", title=title, apis=_APIS, page=page, uses=list(zip(uses, examples, strict=True)))


def _status(number: int) -> str:
    return f"{number} {HTTPStatus(number).phrase}"


@cache
def _read_pages() -> dict[str, dict[str, Any]]:
    pages: dict[str, dict[str, Any]] = json.loads(_FILE.read_text())
    return pages
