from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from switchboard.campaigns.recipients import MAX_ROW_BYTES, RecipientRow, RowError, RowRules, parse_line, split_rows
from switchboard.kit import clock
from switchboard.messaging.models import TextMedia

ADA, OURS = "+14155550142", "+12125550100"
RULES = RowRules("Hello {{name}}.", frozenset({OURS}), clock.parse("2026-01-15T17:00:00Z"))
GOOD = {"contact_e164": ADA, "variables": {"name": "Ada"}}


def parse(value: Any, rules: RowRules = RULES) -> RecipientRow:
    return parse_line(value if isinstance(value, bytes) else json.dumps(value).encode(), rules)


def test_a_row_has_all_its_facts() -> None:
    row = parse(
        GOOD
        | {
            "body": "Dear {{name}}",
            "media": [{"url": "https://example.com/a.png", "content_type": "image/png"}],
            "variables": {"name": "Ada", "visits": 3, "price": 9.5},
            "timezone": "America/Chicago",
            "consent_source": "opt-in:web-form",
            "consent_date": "2026-01-02",
        }
    )
    assert row == RecipientRow(
        ADA,
        "Dear {{name}}",
        [TextMedia(url="https://example.com/a.png", content_type="image/png")],
        {"name": "Ada", "visits": "3", "price": "9.5"},
        "America/Chicago",
        "opt-in:web-form",
        "2026-01-02",
    )


@pytest.mark.parametrize(
    ("row", "code", "message"),
    [
        (b"{", "invalid_json", "not one JSON object"),
        (b"[]", "invalid_json", "not a JSON object"),
        (b"\xff", "invalid_json", "UTF-8"),
        (b'{"a": 1, "a": 2}', "invalid_json", "not one JSON object"),
        (b'"' + b"a" * MAX_ROW_BYTES + b'"', "row_too_large", "32,000 bytes"),
        ({}, "invalid_number", "E.164"),
        (GOOD | {"contact_e164": 14155550142}, "invalid_number", "E.164"),
        (GOOD | {"contact_e164": "+1415555"}, "invalid_number", "E.164"),
        (GOOD | {"contact_e164": "ACME"}, "invalid_number", "E.164"),
        (GOOD | {"contact_e164": OURS}, "contact_is_own_number", "your own"),
        (GOOD | {"phone": ADA}, "invalid_row", "phone is unknown"),
        ({"contact_e164": ADA}, "missing_variable", "no value for name"),
        ({"contact_e164": ADA, "body": "{{day}}"}, "missing_variable", "no value for day"),
        (GOOD | {"body": "x" * 1_601}, "body_too_long", "1,600"),
        (GOOD | {"variables": {"name": "x" * 1_600}}, "body_too_long", "with its variables"),
        (GOOD | {"body": "\x00"}, "invalid_row", "U\\+0000"),
        (GOOD | {"body": "{{name}}", "variables": {"name": " "}}, "body_missing", "body or media"),
        (GOOD | {"variables": {"Name": "Ada"}}, "invalid_row", "Name must begin"),
        (GOOD | {"variables": {"name": True}}, "invalid_row", "a text or a number"),
        (GOOD | {"variables": {"name": "a\x00b"}}, "invalid_row", "U\\+0000"),
        (GOOD | {"variables": [1]}, "invalid_row", "an object"),
        (GOOD | {"media": [{"url": "http://10.0.0.1/a"}]}, "invalid_media", "^media.0.url must begin with https://$"),
        (GOOD | {"media": [{"url": "https://example.com/"}] * 11}, "invalid_row", "at most 10"),
        (GOOD | {"media": ["https://example.com/"]}, "invalid_row", "media.0"),
        (GOOD | {"timezone": "Mars/Olympus"}, "invalid_row", "IANA"),
        (GOOD | {"timezone": "../etc/passwd"}, "invalid_row", "IANA"),
        (GOOD | {"consent_date": "2026-01-02"}, "invalid_consent", "consent_source is missing"),
        (GOOD | {"consent_source": "fax"}, "invalid_consent", "unknown"),
        (GOOD | {"consent_source": "opt-in:web-form", "consent_date": "2026-01-20"}, "invalid_consent", "future"),
        (GOOD | {"consent_source": "opt-in:web-form", "consent_date": "soon"}, "invalid_consent", "a day such as"),
    ],
)
def test_a_bad_row_says_what_is_wrong(row: Any, code: str, message: str) -> None:
    with pytest.raises(RowError, match=message) as refused:
        parse(row)
    assert refused.value.code == code


@pytest.mark.parametrize("number", ["+881631234567", "+979123456789", "+449098790000", "+19005551234", "+447055123456"])
def test_a_costly_number_is_no_recipient(number: str) -> None:
    with pytest.raises(RowError) as error:
        parse(GOOD | {"contact_e164": number})
    assert error.value.code == "contact_not_textable"


def test_media_alone_is_a_text() -> None:
    rules = RowRules("", frozenset(), RULES.at)
    assert parse({"contact_e164": ADA, "media": [{"url": "https://example.com/a"}]}, rules).body is None


def test_blank_lines_are_no_rows() -> None:
    assert split_rows(b"\n1\r\n \n2") == [b"1", b"2"]


def test_files_need_a_number_that_sends_them() -> None:
    row = GOOD | {"media": [{"url": "https://example.com/a.png"}]}
    with pytest.raises(RowError, match="sends no files") as refused:
        parse(row, replace(RULES, sends_files=False))
    assert refused.value.code == "number_without_mms"
    assert parse(GOOD, replace(RULES, sends_files=False)).media == []
