"""Email addresses, as SES accepts them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints, WithJsonSchema

#: The domains of one provider that ignores dots in the local part.
_GMAIL = frozenset({"gmail.com", "googlemail.com"})


def normalize(text: str) -> str:
    """Returns the address with its domain in ASCII and lower case. Raises ValueError if no mail can be sent to it.

    SES does not support internationalized local parts, so they are rejected here.
    """
    from email_validator import EmailNotValidError, validate_email  # for cold start: loaded with the first address

    try:
        checked = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    return checked.ascii_email or checked.normalized


def mailbox_of(address: str) -> str:
    """Returns the mailbox that an address most likely leads to: `ada+1@…` becomes `ada@…`. Use it for limits.

    Do not identify a person by it: not every provider treats addresses this way.
    """
    local, _, domain = address.casefold().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _GMAIL:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


#: An address in a request.
EmailAddress = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=320),
    AfterValidator(normalize),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 320}),
]
