"""API keys sent as `Authorization: Bearer …`."""

from __future__ import annotations

from switchboard.access import service as access
from switchboard.accounts.models import KeyKind
from switchboard.edge.call import Call
from switchboard.errors import Invalid, Unauthenticated


def authenticate(call: Call, kinds: frozenset[KeyKind]) -> None:
    """Authenticate a call by its bearer key. Raises Unauthenticated or Forbidden."""
    try:
        value = call.request.header("authorization") or ""
    except Invalid:
        raise Unauthenticated("There are several Authorization headers.", code="malformed") from None
    scheme, _, text = value.partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise Unauthenticated("An API key is required: Authorization: Bearer <key>.", code="missing")
    call.credential = text.strip()
    call.snapshot = access.authenticate(call.credential, kinds, call.request.source_ip)
