"""The settings of a deployment, which the deployment stores in an SSM parameter of its account."""

from __future__ import annotations

import json

from switchboard.aws import session
from switchboard.errors import NotFound


def parameter(stage: str) -> str:
    """The name of the SSM parameter with a deployment's settings: JSON of SWITCHBOARD_* variables, without secrets."""
    return f"/switchboard/{stage}/environ"


def environ(stage: str) -> dict[str, str]:
    """Load the settings of a deployment. Raises NotFound if this account and region have no deployment of that name."""
    try:
        answer = session.client("ssm").get_parameter(Name=parameter(stage))
    except session.ClientError as error:
        if session.error_code(error) != "ParameterNotFound":
            raise
        raise NotFound(
            f"This AWS account and region have no deployment {stage!r}: check the name, the profile and the region."
        ) from None
    found: dict[str, str] = json.loads(answer["Parameter"]["Value"])
    return found
