"""Hides the secrets of a request in what its receiver answers.

Servers often repeat a header in their errors: `Invalid API key: Bearer s3cret`. Their answers are stored, shown and
read by language models, so the secret must not be in them. A receiver knows the secret, and can always write it in a
form of its own. So this protects from careless servers, and not from a server that wants to publish the secret.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

#: Stands in the place of a secret.
HIDDEN = "[hidden]"
#: A shorter text is no secret, and would hide parts of ordinary words. The second length is for a part of a value.
_LEAST_CHARACTERS, _LEAST_NAMED_CHARACTERS = 4, 8
#: A value with a scheme before the credential, such as `Bearer s3cret`.
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9_-]*)\s+(?P<credential>\S.*)")


class SentSecrets:
    """The secrets of a request, made from the values of its headers."""

    def __init__(self, values: Iterable[str]) -> None:
        secrets = {secret for value in values for secret in _secrets_of(value) if len(secret) >= _LEAST_CHARACTERS}
        forms = {form for secret in secrets for form in _forms_of(secret)}
        # A whole value goes before its parts.
        self._forms = sorted(forms, key=lambda form: (-len(form), form))

    def hide(self, text: str) -> str:
        """Returns a text with a mark in the place of each secret. Call it before the text is cut."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text

    def are_in(self, text: str) -> bool:
        """Whether a text has a secret."""
        return any(form in text for form in self._forms)

    def hide_in_json(self, value: Any) -> Any:
        """Returns JSON with a mark in the place of each secret, in names and values. It must not be nested deeply."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, list):
            return [self.hide_in_json(one) for one in value]
        if isinstance(value, dict):
            return {self.hide(str(name)): self.hide_in_json(one) for name, one in value.items()}
        return value


def _secrets_of(value: str) -> Iterator[str]:
    """Returns a header's value, and the credentials in it."""
    yield value.strip()
    # A value with names, such as a cookie: `session=s3cret; theme=dark`.
    parts = (part.partition("=")[2].strip(' "') for part in value.replace(",", ";").split(";"))
    yield from (part for part in parts if len(part) >= _LEAST_NAMED_CHARACTERS)
    if not (match := _SCHEME.fullmatch(value.strip())):
        return
    yield match["credential"]
    if match["scheme"].lower() == "basic" and (pair := _decode(match["credential"])):
        yield pair
        yield pair.partition(":")[2]


def _decode(credential: str) -> str | None:
    try:
        return base64.b64decode(credential, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _forms_of(secret: str) -> Iterator[str]:
    """Returns the usual forms of a secret in a text: as it is, in another case, in URLs, JSON, HTML and base64."""
    plain = (secret, secret.lower(), secret.upper())
    yield from plain
    yield from (quote(secret, safe=""), quote(secret), quote_plus(secret))
    yield from (json.dumps(secret)[1:-1], html.escape(secret))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(secret.encode()).decode()
        yield from (encoded, encoded.rstrip("="))
