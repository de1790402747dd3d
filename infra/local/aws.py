"""AWS clients for the stack's own processes. They read a given environment, and not that of the process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import get_session


@cache
def _session() -> Any:
    # One session for all clients: each session loads botocore's service models again.
    return get_session()


def engine_client(environ: Mapping[str, str], service: str, config: Config | None = None) -> Any:
    """Return a client of a service, with the settings of an environment."""
    return _session().create_client(
        service,
        region_name=environ["AWS_REGION"],
        endpoint_url=_endpoint(environ, service),
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
        config=config,
    )


def _endpoint(environ: Mapping[str, str], service: str) -> str | None:
    # botocore's own variable names for the endpoint of one service.
    own = {"dynamodb": "DYNAMODB", "dynamodbstreams": "DYNAMODB_STREAMS"}.get(service, service.upper())
    return environ.get(f"AWS_ENDPOINT_URL_{own}") or environ.get("AWS_ENDPOINT_URL")
