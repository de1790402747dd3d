"""Idempotency-Key: the first answer is kept for 24 hours and given again, by Powertools over DynamoDB."""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

from switchboard.aws import aside, effect, secret, session, settings
from switchboard.aws.effect import Effect
from switchboard.edge.call import Call
from switchboard.edge.http import Reply
from switchboard.errors import Conflict, Invalid, Unavailable

HEADER = "idempotency-key"
LONGEST = 255
#: Where nobody is authenticated, the key alone keeps strangers from each other's answers: 22 characters of base 64
#: are 128 bits.
SHORTEST_UNAUTHENTICATED = 22
_COMPRESS_ABOVE = 2_048


def effect_of(call: Call) -> Effect | None:
    """The effect that the request's Idempotency-Key names, if it carries one. Raises Invalid for a malformed key."""
    sent = call.request.values(HEADER)
    if not sent:
        return None
    key = sent[0]
    if len(set(sent)) > 1 or not 1 <= len(key) <= LONGEST or not all(" " <= char <= "~" for char in key):
        raise _malformed(f"it takes 1 to {LONGEST} printable ASCII characters, once")
    if call.snapshot:
        scope = call.snapshot.scope
    elif call.signed_in:
        assert call.operation is not None
        scope = call.signed_in.scope(call.operation.permission)
    else:
        scope = f"ip#{call.request.source_ip}"
        if len(key) < SHORTEST_UNAUTHENTICATED:
            raise _malformed(f"without an API key it takes {SHORTEST_UNAUTHENTICATED} characters or more")
    return Effect(scope=scope, key=key, fingerprint=_fingerprint(call))


def _fingerprint(call: Call) -> str:
    """Stands for the whole request. As JSON, no two different requests have the same text."""
    request = call.request
    whole: tuple[Any, ...] = (request.method, request.path, request.query())
    if call.digest:
        whole += ("digest", call.digest)
    elif request.event.get("isBase64Encoded"):
        whole += ("bytes", request.body or "")
    else:
        whole += (request.body or "",)
    return secret.digest(json.dumps(whole))


def _malformed(why: str) -> Invalid:
    return Invalid(f"The Idempotency-Key is malformed: {why}.", code="invalid_idempotency_key")


def once(call: Call, effect_: Effect, proceed: Callable[[], Reply]) -> Reply:
    """The answer of the first request with this key, or of this one if it is the first.

    `proceed` raises instead of answering where nothing may be kept (5xx). Raises Conflict while the first is under
    way and when the key was used for another request, Unavailable when the record cannot be written.
    """
    from aws_lambda_powertools.utilities.idempotency.exceptions import (
        IdempotencyAlreadyInProgressError,
        IdempotencyInconsistentStateError,
        IdempotencyPersistenceLayerError,
        IdempotencyValidationError,
    )

    run, config = _machinery()
    config.register_lambda_context(call.context)
    made: list[Reply] = []

    def first() -> dict[str, Any]:
        made.append(proceed())
        # An answer that its limits take back is not kept.
        aside.settle()
        return _keep(call, effect_, made[0])

    request = {"key": f"{effect_.scope}\n{effect_.key}", "fingerprint": effect_.fingerprint}
    aside.begin()
    try:
        record = run(request=request, first=first)
    except IdempotencyValidationError:
        raise effect.IdempotencyMismatch("This Idempotency-Key was used for another request.") from None
    except IdempotencyAlreadyInProgressError:
        raise Conflict(
            "The first request with this Idempotency-Key is still under way.", code="in_flight", retry_after=2
        ) from None
    except (IdempotencyPersistenceLayerError, IdempotencyInconsistentStateError) as error:
        raise Unavailable("The request could not be recorded; try it again.", retry_after=2) from error
    if made:
        return made[0]
    call.replayed = True
    return _restore(call, effect_, record)


@cache
def _machinery() -> tuple[Callable[..., dict[str, Any]], Any]:
    # Imported when the first key comes: it brings boto3, which a cold start can do without.
    from aws_lambda_powertools.utilities.idempotency import (
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent_function,
    )

    config = IdempotencyConfig(
        event_key_jmespath="key",
        payload_validation_jmespath="fingerprint",
        raise_on_no_idempotency_key=True,
        expires_after_seconds=effect.LIFETIME,
        hash_function="sha256",
    )
    store = DynamoDBPersistenceLayer(
        table_name=settings.table("idempotency"), key_attr="id", boto3_client=session.dynamodb()
    )

    @idempotent_function(  # type: ignore[untyped-decorator]
        data_keyword_argument="request", persistence_store=store, config=config, key_prefix="switchboard"
    )
    def run(*, request: dict[str, str], first: Callable[[], dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG001
        return first()

    return run, config


def _keep(call: Call, effect_: Effect, reply: Reply) -> dict[str, Any]:
    record = {
        "status": reply.status,
        "type": reply.headers.get("content-type", ""),
        "correlation_id": call.correlation_id,
    }
    body = reply.body.encode()
    if call.operation and call.operation.secret:
        return record | {"sealed": _text(_encrypt(call, effect_, body))}
    if len(body) > _COMPRESS_ABOVE:
        return record | {"packed": _text(zlib.compress(body))}
    return record | {"body": reply.body}


def _restore(call: Call, effect_: Effect, record: dict[str, Any]) -> Reply:
    if "sealed" in record:
        body = _decrypt(call, effect_, base64.b64decode(record["sealed"])).decode()
    elif "packed" in record:
        body = zlib.decompress(base64.b64decode(record["packed"])).decode()
    else:
        body = record["body"]
    if not call.request.headers.get("x-correlation-id"):
        # The chain that this key's effect is in, rather than a new and empty one.
        call.correlation_id = record["correlation_id"]
    return Reply(record["status"], body, {"content-type": record["type"]} if record["type"] else {})


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _encrypt(call: Call, effect_: Effect, plain: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(12)
    return nonce + AESGCM(_cipher_key(call, effect_)).encrypt(nonce, plain, effect_.scope.encode())


def _decrypt(call: Call, effect_: Effect, data: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(_cipher_key(call, effect_)).decrypt(data[:12], data[12:], effect_.scope.encode())
    except InvalidTag:
        # Another key of the same actor sent it: it may not read what the first was shown.
        raise effect.IdempotencyMismatch("This Idempotency-Key was used with another credential.") from None


def _cipher_key(call: Call, effect_: Effect) -> bytes:
    """Known to whoever sent the first request, and to nobody who reads the table."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    material = "\x1f".join((effect_.key, call.credential)).encode()
    return HKDF(SHA256(), 32, salt=effect_.scope.encode(), info=b"idempotent answer").derive(material)


def forget() -> None:
    """Drop the machinery, for tests that move to another table."""
    _machinery.cache_clear()
