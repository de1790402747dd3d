"""API keys sent as `Authorization: Bearer …`."""

from __future__ import annotations

from switchboard.access import service as access
from switchboard.accounts.models import KeyKind
from switchboard.edge.call import Call
from switchboard.errors import Invalid, Unauthenticated


def authenticate(call: Call, kinds: frozenset[KeyKind]) -> None:
    """Authenticate a request by its bearer key. Raises Unauthenticated or Forbidden."""
    call.credential = credential(call)
    if not call.credential:
        raise Unauthenticated("An API key is required: Authorization: Bearer <key>.", code="missing")
    call.snapshot = access.authenticate(call.credential, kinds, call.request.source_ip)


def credential(call: Call) -> str:
    """Returns the bearer credential of a request, or an empty text.

    Raises Unauthenticated if there are several Authorization headers.
    """
    try:
        value = call.request.header("authorization") or ""
    except Invalid:
        raise Unauthenticated("There are several Authorization headers. Send one.", code="malformed") from None
    scheme, _, text = value.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""
