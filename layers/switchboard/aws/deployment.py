"""The settings of a deployment, which the deployment stores in an SSM parameter of its account."""

from __future__ import annotations

import json

from switchboard.aws import clients
from switchboard.errors import NotFound


def parameter_name(stage: str) -> str:
    """The name of the SSM parameter with a deployment's settings: JSON of SWITCHBOARD_* variables, without secrets."""
    return f"/switchboard/{stage}/environ"


def load_environ(stage: str) -> dict[str, str]:
    """Loads the settings of a deployment. Raises NotFound if this account and region have none of this name."""
    try:
        answer = clients.get_client("ssm").get_parameter(Name=parameter_name(stage))
    except clients.ClientError as error:
        if clients.error_code(error) != "ParameterNotFound":
            raise
        raise NotFound(
            f"This AWS account and region have no deployment {stage!r}: check the name, the profile and the region."
        ) from None
    found: dict[str, str] = json.loads(answer["Parameter"]["Value"])
    return found
