"""The texts of an API document that its routes do not hold: introduction, tags, headers and errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ErrorDescription:
    """An error response: its component name, its meaning and an example.

    `schema` names the schema of an error that does not have the API's usual error schema.
    """

    name: str
    meaning: str
    example: Json
    headers: tuple[str, ...] = ()
    schema: str | None = None


@dataclass(frozen=True, kw_only=True)
class OperationFacts:
    """The facts of an operation for the example of an error: its text for the status, and its inputs.

    `field` is the first field that the body requires, else its first field, and `kind` is its JSON type. `numbers` are
    parameters that are numbers.
    """

    text: str | None
    field: str | None
    kind: str
    is_required: bool
    numbers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SampleVariables:
    """The environment variables of code samples.

    `credentials` has the variable of each security scheme. `keys` has the variables of kinds of keys, for operations
    that accept these kinds only. `renamed` has variables that have another name than the field or the path says.
    """

    credentials: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ApiDescription:
    """The parts of an API's document that do not come from routes."""

    title: str
    version: str
    text: str
    #: Tags in the page's order, with their descriptions. The tags of the groups follow.
    tags: Mapping[str, str]
    security: Mapping[str, Json]
    sample_variables: SampleVariables
    #: Name, schema and media type of the usual error. `other_errors` has the schemas of errors that differ.
    error: str
    error_schema: Json
    error_type: str
    other_errors: Mapping[str, Json] = field(default_factory=dict)
    #: Every error status of the API.
    refusals: Mapping[int, ErrorDescription]
    #: Header components by header name, and the headers that every response has.
    headers: Mapping[str, Json]
    always: Sequence[str]
    #: More security schemes, for the operations that name them.
    schemes: Mapping[str, Json] = field(default_factory=dict)
    #: Header parameters of every operation.
    parameters: Mapping[str, Json] = field(default_factory=dict)
    #: From the name of a path variable in the route to its name in the contract.
    contract_variable: Callable[[str], str] = str
    #: From the status and the example of an error to an example that fits an operation.
    fit_example: Callable[[int, Json, OperationFacts], Json] | None = None
    #: The ids of operations that change so little that a model may call them without asking a person, although their
    #: method is not safe. All other such operations are marked as consequential.
    harmless: frozenset[str] = frozenset()
    #: The Idempotency-Key parameter, if the dialect has one.
    idempotency_key: Json | None = None


Json = dict[str, Any]
