"""`/widget.js`: the script of the widget, and a page that shows a widget."""

from __future__ import annotations

import re
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.portal import files
from functions.portal.site import api, send_file, show_page

#: The page and the widget load from this host, and the widget may load a captcha.
_DEMO_POLICY = (
    "default-src 'none'; script-src 'self' https://challenges.cloudflare.com; style-src 'self'; img-src 'self';"
    " connect-src 'self'; frame-src https://challenges.cloudflare.com; base-uri 'none'; frame-ancestors 'none';"
    " form-action 'self'"
)
#: Partners' pages get a new version of the widget within this time.
_CACHE_SHORTLY = "public, max-age=300"
_PUBLIC_KEY = re.compile("whk_[0-9a-z]{26}")


@api.get(
    "/docs/widget-demo",
    summary="Get a page that shows a widget",
    operation_id="docsWidgetDemo",
    public=True,
)
def show_widget_demo(key: Annotated[str, Query(max_length=100)] = "") -> Response[Any]:
    shown = key if _PUBLIC_KEY.fullmatch(key) else ""
    return show_page("widget_demo.html", title="Widget demo", key=shown, policy=_DEMO_POLICY)


@api.get(
    "/widget.js",
    summary="Get the script of the widget",
    operation_id="widgetScript",
    public=True,
)
def get_widget() -> Response[str]:
    file = files.find_asset("widget.js")
    assert file is not None
    answer = send_file(file, _CACHE_SHORTLY)
    # Pages of all origins may load it, also those that require such a statement (Cross-Origin-Embedder-Policy).
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
