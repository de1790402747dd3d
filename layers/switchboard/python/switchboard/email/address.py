"""E-mail addresses, as SES takes them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints, WithJsonSchema


def normalise(text: str) -> str:
    """The address with its domain in ASCII and lower case. Raises ValueError for what no mail can be sent to.

    SES takes no internationalised local part, so none is accepted here.
    """
    from email_validator import EmailNotValidError, validate_email

    try:
        checked = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    return checked.ascii_email or checked.normalized


def mailbox(address: str) -> str:
    """The mailbox that an address most likely leads to, for counting what it gets: `ada+1@…` is `ada@…`.

    Never for knowing a person by: not every provider reads addresses so.
    """
    local, _, domain = address.casefold().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _GMAIL:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


#: One provider, which does not read the dots of an address.
_GMAIL = frozenset({"gmail.com", "googlemail.com"})
#: An address in a request.
Address = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=320),
    AfterValidator(normalise),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 320}),
]
