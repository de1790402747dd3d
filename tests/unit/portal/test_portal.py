"""The portal: pages, their parts, and the documents."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest

from functions.portal import files
from functions.portal import handler as portal
from infra import openapi, topology
from infra.local.pool import Context
from infra.renderer import install_renderer

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture(scope="module", autouse=True)
def _renderer() -> None:
    install_renderer()
    # An earlier test may have looked for files before the renderer was there.
    files.list_assets.cache_clear()
    files.find_asset.cache_clear()


def get_page(address: str, source_ip: str = "203.0.113.7", **headers: str) -> dict[str, Any]:
    parts = urlsplit(address)
    event = {
        "httpMethod": "GET",
        "path": parts.path,
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        "queryStringParameters": {name: values[0] for name, values in parse_qs(parts.query).items()} or None,
        "requestContext": {"identity": {"sourceIp": source_ip}},
        "body": None,
    }
    answer: dict[str, Any] = portal.handler(event, Context(topology.function("portal")))
    return answer


def list_links(page: str) -> list[str]:
    """Returns the links of a page, without those that lead into the page itself or to the functions of APIs."""
    found = re.findall(r'(?:href|src)="([^"]+)"', page)
    return [link for link in found if not link.startswith("#") and "auth/" not in link and "api/" not in link]


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/", "/docs/anima", "/docs/anima/"])
def test_a_page_is_html_and_its_links_work(path: str) -> None:
    page = get_page(path)
    assert (page["statusCode"], page["headers"]["content-type"]) == (200, "text/html; charset=utf-8")
    found = list_links(page["body"])
    assert found
    for link in found:
        answer = get_page(urljoin(f"https://example.com{path}", link))
        # The pages of the console send strangers to the sign-in.
        assert answer["statusCode"] == (302 if "console" in link else 200), link


def test_pages_work_below_an_unknown_base_path() -> None:
    assert not [link for link in list_links(get_page("/docs")["body"]) if link.startswith(("/", "http"))]


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/anima"])
def test_a_page_runs_no_script_and_loads_nothing_but_ours(path: str) -> None:
    page = get_page(path)
    policy = page["headers"]["content-security-policy"]
    sources = set(re.findall(r"(?:default|script|connect)-src ([^;]*)", policy))
    assert sources <= {"'self'", "'none'"}
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page["body"], re.DOTALL)
    assert all("src=" in attributes and not content for attributes, content in scripts)
    assert not re.search(r"\son\w+=|style=|<style", page["body"])


def test_the_index_lists_every_document() -> None:
    page = get_page("/docs")["body"]
    for name in openapi.DESCRIPTIONS:
        assert f"docs/{name}" in page
        assert f"openapi/{name}.json" in page
    assert "<code>action</code> in the body" in page


def test_a_document_is_served_unchanged() -> None:
    answer = get_page("/openapi/anima.json")
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["body"] == (openapi.FOLDER / "anima.json").read_text()
    assert answer["headers"]["cache-control"] == "public, max-age=0, must-revalidate"


def test_an_asset_is_cached_for_ever_only_under_its_digest() -> None:
    link = next(link for link in list_links(get_page("/docs/anima")["body"]) if "reference.js" in link)
    address = urljoin("https://example.com/docs/anima", link)
    assert get_page(address)["headers"]["cache-control"] == "public, max-age=31536000, immutable"
    assert "immutable" not in get_page(f"{address}0")["headers"]["cache-control"]
    assert "immutable" not in get_page(address.partition("?")[0])["headers"]["cache-control"]


@pytest.mark.parametrize("path", ["/docs/assets/reference.js", "/openapi/anima.json"])
def test_an_unchanged_page_is_not_sent_again(path: str) -> None:
    tag = get_page(path)["headers"]["etag"]
    again = get_page(path, If_None_Match=f'W/"other", {tag}')
    assert (again["statusCode"], again["body"], again["headers"]["etag"]) == (304, "", tag)
    assert get_page(path, If_None_Match='"other"')["statusCode"] == 200


def test_everything_fits_into_a_response_of_lambda() -> None:
    links = [urljoin("https://example.com/docs/anima", link) for link in list_links(get_page("/docs/anima")["body"])]
    for link in links:
        assert len(json.dumps(get_page(link))) < 6_000_000, link


def test_the_reference_loads_its_renderer_with_one_request() -> None:
    # Each request of a stranger counts for the limit of the address.
    assert len([link for link in list_links(get_page("/docs/anima")["body"]) if "scalar" in link]) == 1


def test_without_its_renderer_the_reference_names_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    found = files.find_asset
    monkeypatch.setattr(files, "find_asset", lambda name: None if name == files.RENDERER else found(name))
    page = get_page("/docs/anima")
    assert page["statusCode"] == 200
    assert "is not installed" in page["body"]
    assert "openapi/anima.json" in page["body"]


@pytest.mark.parametrize("session", [True, False])
def test_the_console_api_asks_for_a_sign_in_and_not_for_a_cookie(session: bool) -> None:
    page = get_page("/docs/hum", **({"Cookie": "bh_hum_session=x"} if session else {}))["body"]
    assert ("Sign in and return" in page) is not session
    assert ("use your session in this browser." in page) is True
    assert "Sign in and return" not in get_page("/docs/anima")["body"]


@pytest.mark.parametrize(
    "path",
    [
        *("/docs/nothing", "/docs/assets/nothing.js", "/docs/assets/..%2Fhandler.py"),
        *("/openapi/anima", "/openapi/no.json"),
    ],
)
def test_a_missing_page_is_404_and_not_cached(path: str) -> None:
    answer = get_page(path)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (404, "not_found")
    assert answer["headers"]["cache-control"] == "no-store"


def test_no_header_is_sent_twice() -> None:
    names = [name.lower() for name in get_page("/docs")["headers"]]
    assert len(names) == len(set(names))


def test_the_widget_is_one_small_file_that_every_page_may_load() -> None:
    answer = get_page("/widget.js")
    assert answer["headers"]["content-type"] == "text/javascript; charset=utf-8"
    assert answer["headers"]["cross-origin-resource-policy"] == "cross-origin"
    assert "max-age=300" in answer["headers"]["cache-control"]
    assert len(answer["body"].encode()) < 15_000
    assert get_page("/widget.js", If_None_Match=answer["headers"]["etag"])["statusCode"] == 304


def test_the_widget_needs_no_exception_of_a_strict_policy() -> None:
    script = get_page("/widget.js")["body"]
    for forbidden in ("eval(", "new Function", "innerHTML", "insertAdjacentHTML", ".style.", 'createElement("style")'):
        assert forbidden not in script
    # The example in its head, and Turnstile, which is loaded for a captcha only.
    assert set(re.findall(r"https://[\w.-]+", script)) == {"https://challenges.cloudflare.com"}


@pytest.mark.parametrize("key", ["", "whk_x", '"><script>alert(1)</script>', f"whk_{'0' * 26}"])
def test_the_demo_page_shows_the_widget_of_a_key_only(key: str) -> None:
    page = get_page(f"/docs/widget-demo?{urlencode({'key': key})}")
    assert page["statusCode"] == 200
    assert page["body"].count("<script") == (1 if len(key) == 30 else 0)
    policy = page["headers"]["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
