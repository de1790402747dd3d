"""Idempotency-Key: stores the first response for 24 hours and replays it, by Powertools over DynamoDB."""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

from switchboard.aws import clients
from switchboard.edge.exchange import Exchange, Reply, Request
from switchboard.errors import Conflict, Invalid, Unavailable
from switchboard.kit import background, settings, texts
from switchboard.persistence import idempotency
from switchboard.persistence.idempotency import IdempotencyKey

HEADER = "idempotency-key"
LONGEST = 255
#: Without authentication, only the key protects a stored response from other clients: 22 characters of base 64 have
#: 128 bits.
SHORTEST_UNAUTHENTICATED = 22
_COMPRESS_ABOVE = 2_048


def effect_of(exchange: Exchange) -> IdempotencyKey | None:
    """Returns the key of the request with its scope and fingerprint, `None` without a key. Raises Invalid."""
    key = read_key(exchange.request)
    if key is None:
        return None
    if exchange.key_identity:
        scope = exchange.key_identity.idempotency_scope
    elif exchange.signed_in:
        assert exchange.operation is not None
        scope = exchange.signed_in.idempotency_scope(exchange.operation.permission)
    else:
        scope = f"ip#{exchange.request.source_ip}"
        if exchange.bearer is not None:
            assert exchange.credential, "a scheme whose clients send an Idempotency-Key sets their credential"
            # Two clients of the operation's own scheme may share an address.
            scope = f"{scope}#{texts.digest(exchange.credential)}"
        if len(key) < SHORTEST_UNAUTHENTICATED:
            raise _malformed(f"without an API key, use {SHORTEST_UNAUTHENTICATED} characters or more")
    return IdempotencyKey(scope=scope, key=key, fingerprint=_fingerprint(exchange))


def read_key(request: Request) -> str | None:
    """Returns the key of a request, `None` without one. Raises Invalid."""
    sent = request.header_values(HEADER)
    if not sent:
        return None
    key = sent[0]
    if len(set(sent)) > 1 or not 1 <= len(key) <= LONGEST or not all(" " <= char <= "~" for char in key):
        raise _malformed(f"send one key of 1 to {LONGEST} printable ASCII characters")
    return key


def _fingerprint(exchange: Exchange) -> str:
    """Returns a digest of the whole request. JSON keeps the parts apart, so different requests have different texts."""
    request = exchange.request
    whole: tuple[Any, ...] = (request.method, request.path, request.query_parameters())
    if exchange.digest:
        whole += ("digest", exchange.digest)
    elif request.event.get("isBase64Encoded"):
        whole += ("bytes", request.body or "")
    else:
        whole += (request.body or "",)
    return texts.digest(json.dumps(whole))


def _malformed(why: str) -> Invalid:
    return Invalid(f"Invalid Idempotency-Key: {why}.", code="invalid_idempotency_key")


def once(exchange: Exchange, effect_: IdempotencyKey, proceed: Callable[[], Reply]) -> Reply:
    """Returns the response of the first request with this key. Runs this request if it is the first.

    `proceed` raises an error for a response that must not be stored (5xx). Raises Conflict while the first request is
    in progress, IdempotencyMismatch if another request used the key, Unavailable if the record cannot be written.
    """
    from aws_lambda_powertools.utilities.idempotency.exceptions import (
        IdempotencyAlreadyInProgressError,
        IdempotencyInconsistentStateError,
        IdempotencyPersistenceLayerError,
        IdempotencyValidationError,
    )

    run, config = _machinery()
    config.register_lambda_context(exchange.context)
    made: list[Reply] = []

    def first() -> dict[str, Any]:
        made.append(proceed())
        # The rate limits may still refuse the request: its response is not stored then.
        background.wait_for_guard()
        return _keep(exchange, effect_, made[0])

    request = {"key": f"{effect_.scope}\n{effect_.key}", "fingerprint": effect_.fingerprint}
    background.start_guard()
    try:
        record = run(request=request, first=first)
    except IdempotencyValidationError:
        raise idempotency.IdempotencyMismatch(
            "This Idempotency-Key was used for another request: use a new key."
        ) from None
    except IdempotencyAlreadyInProgressError:
        raise Conflict(
            "The first request with this Idempotency-Key is still in progress: retry later.",
            code="in_flight",
            retry_after=2,
        ) from None
    except (IdempotencyPersistenceLayerError, IdempotencyInconsistentStateError) as error:
        raise Unavailable("The request could not be recorded: retry it.", retry_after=2) from error
    if made:
        return made[0]
    exchange.replayed = True
    return _restore(exchange, effect_, record)


@cache
def _machinery() -> tuple[Callable[..., dict[str, Any]], Any]:
    # Imported at the first key: this module loads boto3, which would slow down the cold start.
    from aws_lambda_powertools.utilities.idempotency import (
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent_function,
    )

    config = IdempotencyConfig(
        event_key_jmespath="key",
        payload_validation_jmespath="fingerprint",
        raise_on_no_idempotency_key=True,
        expires_after_seconds=idempotency.KEY_LIFETIME_SECONDS,
        hash_function="sha256",
    )
    store = DynamoDBPersistenceLayer(
        table_name=settings.table_name("idempotency"), key_attr="id", boto3_client=clients.dynamodb_client()
    )

    @idempotent_function(  # type: ignore[untyped-decorator]
        data_keyword_argument="request", persistence_store=store, config=config, key_prefix="switchboard"
    )
    def run(*, request: dict[str, str], first: Callable[[], dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG001
        return first()

    return run, config


def _keep(exchange: Exchange, effect_: IdempotencyKey, reply: Reply) -> dict[str, Any]:
    record = {
        "status": reply.status,
        "type": reply.headers.get("content-type", ""),
        "correlation_id": exchange.correlation_id,
    }
    body = reply.body.encode()
    if exchange.operation and exchange.operation.secret:
        return record | {"sealed": _text(_encrypt(exchange, effect_, body))}
    if len(body) > _COMPRESS_ABOVE:
        return record | {"packed": _text(zlib.compress(body))}
    return record | {"body": reply.body}


def _restore(exchange: Exchange, effect_: IdempotencyKey, record: dict[str, Any]) -> Reply:
    if "sealed" in record:
        body = _decrypt(exchange, effect_, base64.b64decode(record["sealed"])).decode()
    elif "packed" in record:
        body = zlib.decompress(base64.b64decode(record["packed"])).decode()
    else:
        body = record["body"]
    if not exchange.request.headers.get("x-correlation-id"):
        # The workflow of the first request, instead of a new and empty workflow.
        exchange.correlation_id = record["correlation_id"]
    return Reply(record["status"], body, {"content-type": record["type"]} if record["type"] else {})


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _encrypt(exchange: Exchange, effect_: IdempotencyKey, plain: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # for cold start: loaded with the first key

    nonce = os.urandom(12)
    return nonce + AESGCM(_cipher_key(exchange, effect_)).encrypt(nonce, plain, effect_.scope.encode())


def _decrypt(exchange: Exchange, effect_: IdempotencyKey, data: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag  # for cold start: as above
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(_cipher_key(exchange, effect_)).decrypt(data[:12], data[12:], effect_.scope.encode())
    except InvalidTag:
        # Another API key of the same actor sent this request. It must not read the response of the first key.
        raise idempotency.IdempotencyMismatch(
            "This Idempotency-Key was used with another credential: use a new key."
        ) from None


def _cipher_key(exchange: Exchange, effect_: IdempotencyKey) -> bytes:
    """Returns the encryption key. Only the sender of the first request can derive it, not a reader of the table."""
    from cryptography.hazmat.primitives.hashes import SHA256  # for cold start: as above
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    material = "\x1f".join((effect_.key, exchange.credential)).encode()
    return HKDF(SHA256(), 32, salt=effect_.scope.encode(), info=b"idempotent answer").derive(material)


def clear_cache() -> None:
    """Clears the cached client, for tests that use another table."""
    _machinery.cache_clear()
