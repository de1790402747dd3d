"""Reads the rows of recipients: one JSON object for each. A row that is no recipient has a problem in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from switchboard.campaigns.models import MAX_FACT_CHARACTERS, RowProblem
from switchboard.campaigns.templates import VARIABLE_NAME, MissingVariableError, render_template
from switchboard.compliance import consents, phone, zones
from switchboard.compliance.consents import BadConsentError
from switchboard.errors import Invalid
from switchboard.kit import texts
from switchboard.messaging.models import MAX_BODY_CHARACTERS, MAX_MEDIA, TextMedia
from switchboard.outbound.destination import check_url

#: The largest row, in bytes: many rows are written in one transaction.
MAX_ROW_BYTES = 32_000
MAX_VARIABLES, MAX_VARIABLE_CHARACTERS = 50, 1_600
#: The code of a number that gets no texts, because they cost far more than others.
UNTEXTABLE = "contact_not_textable"
#: The code of a text with files whose number sends none.
WITHOUT_FILES = "number_without_mms"
_FIELDS = frozenset({"contact_e164", "body", "media", "variables", "timezone", "consent_source", "consent_date"})
_MEDIA_FIELDS = frozenset({"url", "content_type"})
_MAX_TYPE_CHARACTERS = 120
#: The problems of a stated consent. The date may have any form that calls accept.
_CONSENT_PROBLEMS = {
    "source_missing": "consent_source is missing: a consent_date needs it",
    "source_unknown": "consent_source is unknown: see the list in the API document",
    "date_malformed": "consent_date must be a day such as 2026-01-31, or a time with its zone",
    "date_in_future": "consent_date is in the future",
}


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """A valid row."""

    contact_e164: str
    body: str | None = None
    media: list[TextMedia] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    timezone: str | None = None
    consent_source: str | None = None
    consent_date: str | None = None


@dataclass(frozen=True, slots=True)
class RowRules:
    """The rules by which rows are read: the campaign's template, our own numbers, and the time at which the batch came.

    `sends_files` says whether the campaign's number sent files at that time.

    A row is judged by the time of its batch, and not by the time of its import: a second run judges it as the first.
    """

    template: str
    own_numbers: frozenset[str]
    at: datetime
    sends_files: bool = True


class RowError(ValueError):
    """The row is no recipient."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def parse_line(line: bytes, rules: RowRules) -> RecipientRow:
    """Reads a row from a line of JSON. Raises RowError."""
    if len(line) > MAX_ROW_BYTES:
        raise RowError("row_too_large", f"the row is larger than {MAX_ROW_BYTES:,} bytes: send less")
    try:
        value = texts.parse_json(line.decode())
    except UnicodeDecodeError:
        raise RowError("invalid_json", "the row is not UTF-8") from None
    except Invalid:
        raise RowError("invalid_json", "the row is not one JSON object on one line") from None
    return parse_row(value, rules)


def parse_row(value: Any, rules: RowRules) -> RecipientRow:
    """Reads a row from a JSON value. Raises RowError."""
    if not isinstance(value, dict):
        raise RowError("invalid_json", "the row is not a JSON object")
    if unknown := sorted(set(value) - _FIELDS):
        raise _invalid(f"the field {unknown[0][:80]} is unknown: leave it out")
    row = RecipientRow(
        contact_e164=_read_contact(value.get("contact_e164"), rules),
        body=_read_text(value, "body", MAX_BODY_CHARACTERS),
        media=_read_media(value.get("media")),
        variables=_read_variables(value.get("variables")),
        timezone=_read_text(value, "timezone", MAX_FACT_CHARACTERS),
        consent_source=_read_text(value, "consent_source", MAX_FACT_CHARACTERS),
        consent_date=_read_text(value, "consent_date", MAX_FACT_CHARACTERS),
    )
    if row.timezone is not None and zones.load_zone(row.timezone) is None:
        raise _invalid("timezone must be an IANA time zone such as America/Chicago")
    if row.media and not rules.sends_files:
        raise RowError(
            WITHOUT_FILES, "the campaign's number sends no files: leave media out, or choose a number with MMS"
        )
    _check_consent(row, rules)
    _check_body(row, rules)
    return row


def describe_problem(row: int, error: RowError) -> RowProblem:
    """Returns the problem of a row for its batch's report."""
    return RowProblem(row=row, code=error.code, message=error.message)


def _invalid(message: str) -> RowError:
    return RowError("invalid_row", message)


def _read_contact(value: Any, rules: RowRules) -> str:
    try:
        number = phone.parse(value).e164 if isinstance(value, str) else None
    except Invalid:
        number = None
    if number is None:
        raise RowError("invalid_number", "contact_e164 must be an E.164 number such as +14155550142")
    if number in rules.own_numbers:
        raise RowError("contact_is_own_number", "contact_e164 is one of your own numbers")
    if phone.is_costly(number):
        raise RowError(UNTEXTABLE, "contact_e164 cannot get texts: it is a premium, personal or satellite number")
    return number


def _read_text(value: Mapping[str, Any], name: str, most: int) -> str | None:
    text = value.get(name)
    if text is None:
        return None
    if not isinstance(text, str):
        raise _invalid(f"{name} must be a text")
    if len(text) > most:
        code = "body_too_long" if name == "body" else "invalid_row"
        raise RowError(code, f"{name} has more than {most:,} characters")
    if not text.strip():
        return None
    try:
        return texts.require_text(text)
    except ValueError as error:
        raise _invalid(f"{name} {error}") from None


def _read_media(value: Any) -> list[TextMedia]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MAX_MEDIA:
        raise _invalid(f"media must be a list of at most {MAX_MEDIA} files")
    return [_read_file(number, one) for number, one in enumerate(value)]


def _read_file(number: int, value: Any) -> TextMedia:
    if not isinstance(value, dict) or not isinstance(value.get("url"), str) or set(value) - _MEDIA_FIELDS:
        raise _invalid(f"media.{number} must be an object with url, and content_type if you know it")
    kind = _read_text(value, "content_type", _MAX_TYPE_CHARACTERS)
    try:
        return TextMedia(url=check_url(value["url"]), content_type=kind)
    except Invalid as error:
        raise RowError("invalid_media", f"media.{number}.url {error.details['fields']['url']}") from None


def _read_variables(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MAX_VARIABLES:
        raise _invalid(f"variables must be an object with at most {MAX_VARIABLES} variables")
    return {name: _read_value(name, one) for name, one in value.items()}


def _read_value(name: str, value: Any) -> str:
    if not VARIABLE_NAME.fullmatch(name):
        raise _invalid(f"the variable {name[:80]} must begin with a lower-case letter, then letters, digits and _")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _invalid(f"the variable {name[:80]} must be a text or a number")
    text = str(value)
    if len(text) > MAX_VARIABLE_CHARACTERS:
        raise _invalid(f"the variable {name[:80]} has more than {MAX_VARIABLE_CHARACTERS:,} characters")
    try:
        return texts.require_text(text) if text.strip() else text
    except ValueError as error:
        raise _invalid(f"the variable {name[:80]} {error}") from None


def _check_consent(row: RecipientRow, rules: RowRules) -> None:
    if row.consent_source is None and row.consent_date is None:
        return
    try:
        consents.parse_source(row.consent_source)
        if row.consent_date is not None:
            consents.parse_day(row.consent_date, rules.at)
    except BadConsentError as error:
        raise RowError("invalid_consent", _CONSENT_PROBLEMS[error.problem]) from None


def _check_body(row: RecipientRow, rules: RowRules) -> None:
    try:
        body = render_template(rules.template if row.body is None else row.body, row.variables)
    except MissingVariableError as error:
        names = ", ".join(error.names)
        raise RowError("missing_variable", f"variables has no value for {names}") from None
    if len(body) > MAX_BODY_CHARACTERS:
        raise RowError("body_too_long", f"the text with its variables has more than {MAX_BODY_CHARACTERS:,} characters")
    if not body.strip() and not row.media:
        raise RowError("body_missing", "the text is empty: send a body or media")


def split_rows(content: bytes) -> list[bytes]:
    """Returns the rows of a body of JSON lines. Blank lines are no rows."""
    return [line for line in (one.strip() for one in content.split(b"\n")) if line]


def join_rows(rows: Sequence[bytes]) -> bytes:
    """Returns rows as JSON lines."""
    return b"\n".join(rows)
