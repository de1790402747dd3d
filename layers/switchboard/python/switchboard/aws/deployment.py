"""A deployment's own description: the settings by which it is found, kept where the account can read them."""

from __future__ import annotations

import json

from switchboard.aws import session
from switchboard.errors import NotFound


def parameter(stage: str) -> str:
    """The SSM parameter that holds a deployment's settings: a JSON object of SWITCHBOARD_* variables, no secrets."""
    return f"/switchboard/{stage}/environ"


def environ(stage: str) -> dict[str, str]:
    """The settings of a deployment. Raises NotFound if this account and region have none of that name."""
    try:
        answer = session.client("ssm").get_parameter(Name=parameter(stage))
    except session.ClientError as error:
        if session.error_code(error) != "ParameterNotFound":
            raise
        raise NotFound(f"This AWS account and region have no deployment {stage!r}.") from None
    found: dict[str, str] = json.loads(answer["Parameter"]["Value"])
    return found
