"""The pages of error codes: every code has one, and the file is up to date."""

from __future__ import annotations

import json

import pytest

from infra import error_pages
from infra.error_texts import TEXTS
from switchboard.dialects.anima import errors as anima
from tests.unit.portal.test_portal import get_page

pytestmark = pytest.mark.usefixtures("cloud")


def test_the_file_is_up_to_date() -> None:
    assert error_pages.FILE.read_text() == error_pages.render(), "run `python -m infra.error_pages` (make openapi)"


def test_every_code_of_every_dialect_has_a_text() -> None:
    codes = {error_pages.slug_of(code) for of_api in error_pages.list_codes().values() for code in of_api}
    assert not codes - TEXTS.keys(), f"add a text to infra/error_texts.py for {sorted(codes - TEXTS.keys())}"
    assert not TEXTS.keys() - codes, f"no API has the codes {sorted(TEXTS.keys() - codes)}: remove their texts"


def test_every_code_has_a_status_and_every_reason_a_message() -> None:
    # Another test holds that the file is what the code says.
    for slug, page in json.loads(error_pages.FILE.read_text()).items():
        assert all(use["statuses"] for use in page["uses"]), slug
        assert "meaning" in page or all(page["messages"]), slug


def test_every_page_answers() -> None:
    for number, slug in enumerate(json.loads(error_pages.FILE.read_text())):
        # An address has a limit of requests per minute.
        page = get_page(f"/errors/{slug}", source_ip=f"203.0.113.{number}")
        assert page["statusCode"] == 200, slug
        assert "None" not in page["body"], slug


def test_the_type_of_a_problem_ends_like_the_address_of_its_page() -> None:
    for code in anima.CODE_OF_STATUS.values():
        link: str = anima.problem(400, code, "", "/", {})["type"]
        assert get_page(f"/errors/{link.rpartition('/')[2]}")["statusCode"] == 200, link


def test_a_pasted_code_finds_its_page() -> None:
    assert get_page("/errors/RATE_LIMIT")["statusCode"] == 200
    assert get_page("/errors/no_such_code")["statusCode"] == 404
