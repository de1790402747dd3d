"""Templates of campaigns: `Hello {{name}}` becomes `Hello Ada` for a recipient with the variable `name`.

A variable is a name in double braces: a lower-case letter or `_`, then letters, digits and `_`. Spaces inside the
braces are allowed. Any other text stays as it is, also other braces. A value is never read as a template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from switchboard.campaigns.models import Campaign, Recipient

#: The form of a variable's name.
VARIABLE_NAME = re.compile("[a-z_][a-z0-9_]*")
_VARIABLE = re.compile(r"\{\{ *([a-z_][a-z0-9_]*) *\}\}")


class MissingVariableError(Exception):
    """A recipient has no value for some variables. `names` are the variables, in the order of the text."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


def find_variables(template: str) -> list[str]:
    """Returns the names of the variables of a template, each once, in the order of the text."""
    return list(dict.fromkeys(_VARIABLE.findall(template)))


def render_template(template: str, variables: Mapping[str, str]) -> str:
    """Returns the text of a template for these variables. Raises MissingVariableError."""
    missing = [name for name in find_variables(template) if name not in variables]
    if missing:
        raise MissingVariableError(missing)
    return _VARIABLE.sub(lambda match: variables[match[1]], template)


def render_body(campaign: Campaign, recipient: Recipient) -> str:
    """Returns the body of a recipient's text. An imported recipient has all variables, and a body of allowed length."""
    return render_template(campaign.body_template if recipient.body is None else recipient.body, recipient.variables)
