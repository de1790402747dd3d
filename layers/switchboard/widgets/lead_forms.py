"""A widget's form: which fields it has, and what a visitor may enter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from switchboard.compliance import phone
from switchboard.email import address
from switchboard.errors import Invalid
from switchboard.kit import clock
from switchboard.kit.texts import require_one_line, require_text
from switchboard.widgets.models import LeadAnswers, LeadConsent, LeadField, WidgetToken

MAX_CHARACTERS = {"name": 200, "email": 254, "phone": 40, "notes": 2_000}
_NATIONAL_DIGITS = 10


def check_fields(fields: Sequence[LeadField]) -> None:
    """Raises Invalid if two fields of a form ask for the same."""
    names = [field.name for field in fields]
    problems = {
        f"lead_fields.{number}.name": f"is there twice: ask for {name} once"
        for number, name in enumerate(names)
        if name in names[:number]
    }
    if problems:
        raise Invalid("Two fields of the form ask for the same: see the fields.", fields=problems)


def read_answers(fields: Sequence[LeadField], given: Mapping[str, str | None]) -> LeadAnswers:
    """Returns a visitor's answers in their stored form. Raises Invalid with a problem for each wrong answer."""
    asked = {field.name: field for field in fields}
    problems = {f"lead.{name}": "is not asked for: leave it out" for name in given if name not in asked}
    found: dict[str, str] = {}
    for name, field in asked.items():
        text = (given.get(name) or "").strip()
        if not text:
            if field.required:
                problems[f"lead.{name}"] = "is missing"
            continue
        try:
            found[name] = _read(name, text)
        except ValueError as problem:
            problems[f"lead.{name}"] = str(problem)
    if problems:
        raise Invalid("The form is not complete: see the fields.", code="invalid_lead", fields=problems)
    return LeadAnswers.model_validate(found)


def read_consent(token: WidgetToken, answers: LeadAnswers, ticked: str | None) -> LeadAnswers:
    """Returns a visitor's answers with their consent. `ticked` has the words of the box that the visitor ticked.

    A consent without a number is dropped. Raises Invalid for other words than those of the token.
    """
    if ticked is None:
        return answers
    if ticked != token.asked_consent:
        raise Invalid(
            "The words of the consent have changed: reload the page.",
            code="invalid_lead",
            fields={"consent": "must be the present consent_text of the widget's configuration"},
        )
    if answers.phone is None:
        return answers
    return answers.model_copy(update={"consent": LeadConsent(text=ticked, given_at=clock.now_iso())})


def _read(name: str, text: str) -> str:
    if len(text) > MAX_CHARACTERS[name]:
        raise ValueError(f"is too long: send at most {MAX_CHARACTERS[name]} characters")
    match name:
        case "email":
            return _read_email(text)
        case "phone":
            return _read_phone(text)
        case "name":
            return require_one_line(text)
    return require_text(text)


def _read_email(text: str) -> str:
    try:
        return address.normalize(text)
    except ValueError:
        raise ValueError("is not a mail address: send one such as ada@example.com") from None


def _read_phone(text: str) -> str:
    # Most visitors write their own country's form, and the platform's numbers are North American.
    digits = "".join(character for character in text if character.isdigit())
    try:
        return phone.parse_pasted(f"+1{digits}" if "+" not in text and len(digits) == _NATIONAL_DIGITS else text).e164
    except Invalid:
        raise ValueError("is not a telephone number: send it with its country code, such as +14155550142") from None
