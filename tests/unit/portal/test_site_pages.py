"""The pages for people: the console's door, the ends of sessions and sign-ins."""

from __future__ import annotations

import pytest

from tests.unit.portal.test_portal import get_page

pytestmark = pytest.mark.usefixtures("cloud")

_OWN = ("/console", "/console/webhooks", "/console/events")


@pytest.mark.parametrize("path", _OWN)
def test_a_browser_without_a_session_goes_to_the_sign_in_and_comes_back(path: str) -> None:
    answer = get_page(f"{path}?a=1")
    assert answer["statusCode"] == 302
    place = f"auth/login?return_to={path.replace('/', '%2F')}%3Fa%3D1"
    assert answer["headers"]["location"].replace("../", "").removeprefix("./") == place


@pytest.mark.parametrize("path", _OWN)
def test_a_page_of_the_console_is_kept_by_no_shared_cache(path: str) -> None:
    answer = get_page(path, Cookie="bh_hum_session=x")
    assert answer["statusCode"] == 200
    assert answer["headers"]["cache-control"] == "private, no-cache"
    assert answer["headers"]["vary"] == "Cookie"
    assert "Sign out" in answer["body"]


@pytest.mark.parametrize("path", ["/", "/errors", "/signed-out", "/console/webhooks", "/docs/widget-demo"])
def test_the_policy_of_a_page_allows_nothing_inline(path: str) -> None:
    policy = get_page(path, Cookie="bh_hum_session=x")["headers"]["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_a_failed_sign_in_shows_its_reason_and_escapes_the_address() -> None:
    page = get_page("/sign-in-failed?reason=sign_in_expired&request_id=%3Cscript%3E")["body"]
    assert "This sign-in is over" in page
    assert "<script>" not in page
    assert "Something went wrong on our side." in get_page("/sign-in-failed?reason=other")["body"]
