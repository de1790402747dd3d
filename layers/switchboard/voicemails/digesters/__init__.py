"""The makers of digests of voicemails: a language model, or rules without a model."""

from __future__ import annotations

from typing import Protocol

from switchboard.carriers.language import RULES, RefusedError, ThrottledError, configured_model
from switchboard.voicemails.digesters.models import DigestTexts

__all__ = ["PROMPT_VERSION", "RULES", "Digester", "RefusedError", "ThrottledError", "choose_digester"]

#: The version of the instructions for models and of the rules. It is stored with each digest.
PROMPT_VERSION = 1


class Digester(Protocol):
    """Makes digests of voicemails."""

    @property
    def name(self) -> str:
        """The maker's name. It is stored with the digest."""

    def digest(self, transcript: str, caller: str) -> DigestTexts:
        """Returns the digest of a transcript. `caller` is the number of the caller, or a word such as `anonymous`.

        Raises ThrottledError if a later attempt may succeed, else RefusedError.
        """


def choose_digester(*, modeled: bool) -> Digester:
    """Returns the maker by the configured model, or by rules where none is configured.

    Without `modeled` it is always by rules, which cost nothing and give equal transcripts equal digests.
    """
    model = configured_model() if modeled else None
    if model is None:
        from switchboard.voicemails.digesters.rules import RuleDigester  # for cold start: one worker needs it

        return RuleDigester()
    from switchboard.voicemails.digesters.model import ModelDigester  # for cold start, as above

    return ModelDigester(model)
