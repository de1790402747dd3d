"""Amazon Bedrock through its Converse API, which has one form for every model."""

from __future__ import annotations

from typing import Any

from switchboard import telemetry
from switchboard.aws import clients
from switchboard.carriers.language import RefusedError, ThrottledError

_TRANSIENT = frozenset(
    {
        "InternalServerException",
        "ModelNotReadyException",
        "ModelTimeoutException",
        "ServiceQuotaExceededException",
        "ServiceUnavailableException",
        "ThrottlingException",
    }
)


class Bedrock:
    """A language model of Bedrock, named by its model id or inference profile."""

    def __init__(self, model_id: str) -> None:
        self.name = f"bedrock:{model_id}"
        self._model_id = model_id

    def ask_model(self, system: str, question: str, *, max_tokens: int) -> str:
        """Returns the model's answer, at temperature 0.

        Raises ThrottledError or RefusedError with the service's error code.
        """
        try:
            answer: Any = clients.get_client("bedrock-runtime").converse(
                modelId=self._model_id,
                system=[{"text": system}],
                messages=[{"role": "user", "content": [{"text": question}]}],
                inferenceConfig={"maxTokens": max_tokens, "temperature": 0},
            )
        except clients.ClientError as error:
            code = clients.error_code(error)
            if code in _TRANSIENT:
                raise ThrottledError(code) from error
            # For example a model that the account has no access to: an operator must know.
            telemetry.emit_metric("LanguageModelRefused")
            raise RefusedError(code) from error
        except clients.BotoCoreError as error:
            raise ThrottledError(type(error).__name__) from error
        if answer.get("stopReason") == "max_tokens":
            # The same question would be cut off again.
            raise RefusedError("the answer is longer than allowed")
        return "".join(part.get("text", "") for part in answer["output"]["message"]["content"])
