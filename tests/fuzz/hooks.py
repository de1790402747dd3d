"""Credentials for each operation and ids of objects that exist: Schemathesis cannot know them.

Half of the requests name an object that was made for them, because another request ends at the first 404. A request may
revoke the key that it uses, or remove the person who sends it. Then the next request comes from a new organization.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import re
from collections import Counter
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import schemathesis
from schemathesis import AuthContext, Case, HookContext, Response, SerializationContext
from schemathesis.core import NotSet
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode
from schemathesis.generation.meta import TestPhase
from schemathesis.transport.serialization import Binary

from switchboard.dialects.hum.dialect import COOKIE
from switchboard.errors import DomainError
from tests.contract import asks, world
from tests.contract.conftest import attempt_delivery, deliver_mail
from tests.contract.every import Everyone, open_company
from tests.contract.spec import STREAM
from tests.contract.world import Ask

API = os.environ["FUZZED_API"]
HOME = Path(os.environ["FUZZED_HOME"])
URL = os.environ["FUZZED_URL"]
#: Operations that end the session, move it to another organization or use a token up.
SPENDING = frozenset({*asks.MOVING, *asks.OWN, *asks.PUBLIC, "redeemSession"})
#: Fields of a body that name an object or a person's number, by the ends of their names.
NAMING = re.compile(r"(^|_)(id|ids|sid|e164|number|token)$|(Id|Number)$")
KEY = "Idempotency-Key"
#: Faults of a request that an operation forgives on purpose. The contracts call these fields required. Without a URL, a
#: webhook keeps its own. Without a source of consent, the gate decides by the ledger and records the reason. An event
#: of a trigger is an object in the contract, but other systems also send lists (docs/contracts/hum.md#triggers).
FORGIVEN = {
    "fireInboundTrigger": re.compile(r"in body - incorrect type"),
    "updateWebhook": re.compile(r"Missing required property: url\b"),
    "voicePlace": re.compile(r"\bconsent_source\b"),
}
#: Refusals that say that the credentials no longer work.
_LOST = frozenset({"no_organization", "insufficient_role"})
_REFUSED = 400
#: Refusals after which a request needs another object: the object is gone, or its state does not fit any more.
_UNUSABLE = frozenset({401, 403, 404, 409, 410})
#: The ids of the cases that name an existing object, while they run.
_naming: set[str] = set()
#: The share of cases that name an existing object, and the share of changes after which there is a new object.
_SHARE, _RENEWED_SHARE = 0.5, 0.3
#: The number of responses by operation and status, and by phase. The report reads them at the end.
ANSWERS: dict[str, Counter[int]] = {}
PHASES: Counter[str] = Counter()
_chance = random.Random(int(os.environ["FUZZED_SEED"]))


class World:
    """The organization that sends the requests, until its credentials are lost."""

    def __init__(self) -> None:
        os.environ.update(json.loads((HOME / "environ.json").read_text()))
        self._http = httpx.Client(base_url=URL, timeout=60)
        self._receiver = world.rejecting_receiver()
        self._receiver.__enter__()
        self._asks: dict[str, Ask] = {}
        self._every: Everyone | None = None

    def ask(self, operation_id: str) -> Ask:
        """A request that succeeds. An organization that a request has closed or capped is replaced."""
        failure: Exception | None = None
        for _ in range(2):
            if self._every is None:
                # The workers of the stack are busy with the deliveries to the endpoints of earlier requests.
                self._every = open_company(self._http, partial(deliver_mail, HOME), attempt_delivery)
                if API == "athos":
                    # A call gets its score at once only while no calls of generated requests wait for a score.
                    self._every.scored_call()
            try:
                # The services write metrics to the standard output, where the report is.
                with redirect_stdout(StringIO()):
                    self._asks[operation_id] = self._every.ask(API, operation_id)
            except (DomainError, KeyError, AssertionError, ValueError, IndexError) as error:
                failure = error
                self.renew()
            else:
                return self._asks[operation_id]
        raise RuntimeError(f"no request can be made for {operation_id} in a new organization") from failure

    def known_ask(self, operation_id: str) -> Ask:
        """The last such request, or a first one."""
        return self._asks.get(operation_id) or self.ask(operation_id)

    def forget_ask(self, operation_id: str) -> None:
        """Make another request with objects of its own, the next time that one is needed."""
        self._asks.pop(operation_id, None)

    def notice_refusal(self, operation_id: str, credential: str) -> None:
        """Replace the organization if the refused credential is the one that should work."""
        known = self._asks.get(operation_id)
        if known and operation_id not in SPENDING and any(credential in value for value in known.headers.values()):
            self.renew()

    def renew(self) -> None:
        """Forget the organization. The next request makes another one."""
        self._every = None
        self._asks.clear()


WORLD = World()
atexit.register(
    lambda: Path(os.environ["FUZZED_ANSWERS"]).write_text(json.dumps({"answers": ANSWERS, "phases": PHASES}))
)


@schemathesis.auth(refresh_interval=None)
class Credentials:
    """The credentials of the four APIs, which depend on the operation."""

    def get(self, case: Case, context: AuthContext) -> dict[str, str]:
        return WORLD.known_ask(operation_id(case)).headers

    def set(self, case: Case, data: dict[str, str], context: AuthContext) -> None:
        if API == "hum":
            # The page of a widget has an origin of its own.
            case.headers["Origin"] = URL.replace("127.0.0.1", "localhost")
        set_credentials(case, data)


def set_credentials(case: Case, headers: dict[str, str]) -> None:
    """Send a request with these credentials."""
    for name, value in headers.items():
        if name == "Cookie":
            case.cookies = {**(case.cookies or {}), **dict(pair.split("=", 1) for pair in value.split("; "))}
        elif name in ("Authorization", "X-API-Key", "Origin"):
            case.headers[name] = value


@schemathesis.serializer("application/x-ndjson")
def write_lines(context: SerializationContext, value: Any) -> bytes:
    """Write lines as they are, and another value as one line."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, Binary):
        return value.data
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Let a stream be read as events: the documents describe its whole text, and Schemathesis validates each event."""
    for item in raw_schema["paths"].values():
        for operation in item.values():
            for response in operation["responses"].values():
                if stream := response.get("content", {}).get(STREAM):
                    stream["schema"] = {"type": "object", "properties": {"data": {"type": "string"}}}


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Name existing objects in half of the cases whose path or body is valid. A chain has its own objects."""
    meta, name = case.meta, operation_id(case)
    if case._has_explicit_auth:
        # The case may be older than the organization, because all cases of a phase are generated first.
        set_credentials(case, WORLD.known_ask(name).headers)
    if KEY in case.headers and _is_valid(case, ParameterLocation.HEADER):
        # Two requests with one key are a mistake of the caller, and most of the values are short.
        case.headers[KEY] = f"{_chance.getrandbits(128):032x}"
    if meta is None or meta.phase.name == TestPhase.STATEFUL or _chance.random() > _SHARE:
        return
    takes_object = "{" in case.path or not isinstance(case.body, NotSet) or name in SPENDING
    if not takes_object or case.method.upper() != case.operation.method.upper():
        return
    ask = WORLD.known_ask(name)
    _naming.add(case.id)
    if _is_valid(case, ParameterLocation.PATH):
        case.path_parameters = _path_parameters(case, ask)
    if ask.query and _is_valid(case, ParameterLocation.QUERY):
        case.query = {**(case.query or {}), **ask.query}
    if _is_valid(case, ParameterLocation.BODY):
        if ask.content is not None:
            case.body = ask.content.decode()
        elif ask.body and isinstance(case.body, dict):
            case.body = case.body | {name: value for name, value in ask.body.items() if NAMING.search(name)}


def _uses_object_up(case: Case, status: int) -> bool:
    """Whether the next request needs another object. A refusal changes none, and many changes can be repeated."""
    if status in _UNUSABLE:
        return case.id in _naming
    if status >= _REFUSED or case.method != case.operation.method.upper():
        return False
    if operation_id(case) in SPENDING:
        return True
    if case.method == "GET" or case.id not in _naming:
        return False
    return case.method == "DELETE" or _chance.random() < _RENEWED_SHARE


def _path_parameters(case: Case, ask: Ask) -> dict[str, Any]:
    found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", case.path), ask.path)
    assert found, (case.path, ask.path)
    told = {name: unquote(value) for name, value in found.groupdict().items()}
    return {
        name: int(value) if isinstance((case.path_parameters or {}).get(name), int) else value
        for name, value in told.items()
    }


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:
    """Count the response, and notice lost credentials."""
    ANSWERS.setdefault(operation_id(case), Counter())[response.status_code] += 1
    PHASES[case.meta.phase.name.value if case.meta else "other"] += 1
    if response.status_code == 401 or (response.status_code == 403 and any(code in response.text for code in _LOST)):
        sent = case.headers.get("Authorization") or case.headers.get("X-API-Key") or (case.cookies or {}).get(COOKIE)
        if sent:
            WORLD.notice_refusal(operation_id(case), sent)
    if _uses_object_up(case, response.status_code):
        WORLD.forget_ask(operation_id(case))
    _naming.discard(case.id)


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Keep a failure, unless the operation forgives it."""
    forgiven = FORGIVEN.get(operation_id(case))
    accepted = isinstance(failure, AcceptedNegativeData)
    return not (accepted and forgiven and forgiven.search(failure.message))


def operation_id(case: Case) -> str:
    """The id of the operation of a case."""
    return str(case.operation.definition.raw["operationId"])


def _is_valid(case: Case, location: ParameterLocation) -> bool:
    info = case.meta.components.get(location) if case.meta else None
    return info is not None and info.mode == GenerationMode.POSITIVE
