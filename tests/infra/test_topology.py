"""The topology itself: every name in it exists, and nothing is missing."""

from __future__ import annotations

import importlib
import inspect
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from infra import topology
from infra.build import ROOT
from infra.resources import READ, WRITE, Api, Function, Grant, Group, Queue, Schedule, Worker
from switchboard.edge.multipart import MultipartBody
from switchboard.edge.router import Operation
from switchboard.kit import jobs
from tests.infra import full_list, reach
from tests.unit.edge.platform import Route, list_routes

SECRET = "root secret"
# Tables, and the secret, that a function's imports name and that the function never uses, with the reason. Remove a
# line when it is no longer true: for a missing grant of a table listed here, only the deployed function would fail.
NEVER_CALLED = {
    "opticomm/external_api": {SECRET},  # It returns no cursor; callbacks are signed by the delivery workers.
    "athos/sessions": {"idempotency"},  # Its contract has no Idempotency-Key.
    "athos/calls": {"idempotency"},  # Its contract has no Idempotency-Key.
    "hum/account": {SECRET},  # It returns no cursor, and no secret that a retry would have to repeat.
    "hum/transcription": {SECRET},  # It returns no cursor, and keeps nothing that a retry would have to repeat.
    "hum/team": {SECRET},  # It returns no cursor, and no secret that a retry would have to repeat.
    "hum/sign_in": {"idempotency"},  # A browser navigates there, without an Idempotency-Key.
    "hum/widget_sessions": {"sessions"},  # A public key or the token of a session is the credential.
    "workers/widgets": {SECRET},  # Tokens and tickets are made and read by the function that starts sessions.
    # It authenticates and passes on: the operations run in functions of their own.
    "mcp": {"activity", "idempotency", SECRET},
    "workers/roleplay": {SECRET},  # Tokens and tickets are made and read by the sessions functions.
    "workers/scoring": {SECRET},  # Tokens and tickets are made and read by the sessions functions.
    "hum/billing": {SECRET},  # It returns no cursor. Only the simulator's notifications are signed, by other functions.
    "hum/streams": {SECRET},  # It reads one call or the events, without pages: there is no cursor to sign.
    "hum/analytics": {SECRET},  # Its newest calls are the first page, and it returns no cursor.
    "workers/numbers": {SECRET},  # It configures and settles numbers, and returns no cursor.
    "workers/summaries": {SECRET},  # It returns no cursor.
    "workers/triggers": {SECRET},  # It places calls and sends texts, and returns no cursor.
    "workers/campaigns": {SECRET},  # It sends texts, and returns no cursor.
    "streams": {SECRET},  # The cursor is an id of the chain and needs no signature.
    # The modules that accept calls also sign. A worker accepts none.
    "workers/dialer": {SECRET},
    "workers/voice_events": {SECRET},
    "workers/text_reports": {SECRET},  # The callbacks are verified before they are queued.
    # It fetches files with the carrier's own token, and changes texts only: it reads no ledger and makes no cursor.
    "workers/text_media": {SECRET, "core"},
    "workers/webhooks": {SECRET},  # It makes deliveries; the delivery workers sign them.
    "workers/voicemails": {SECRET},  # It creates and erases voicemails, and returns no cursor.
    "workers/recordings": {SECRET},  # It fetches with the provider's own token; the callbacks are signed elsewhere.
    "callbacks/email": {SECRET},  # It stores digests and derives nothing.
    # It forwards stream records and accesses no table: other functions write events and timers.
    "workers/fanout": {"activity", "core", SECRET},
}


def by_name(functions: tuple[Function, ...]) -> list[Any]:
    return [pytest.param(function, id=function.name) for function in functions]


def test_names_are_unique() -> None:
    kinds = (topology.TABLES, topology.QUEUES, topology.BUCKETS, topology.FUNCTIONS, topology.APIS)
    for things in (*kinds, full_list.TOPOLOGY["QUEUES"], full_list.FUNCTIONS):
        twice = [name for name, count in Counter(thing.name for thing in things).items() if count > 1]
        assert not twice, f"rename one of each of {twice} in infra/topology.py, or in tests/infra/full_list.py"


def test_every_folder_with_a_handler_is_in_the_topology() -> None:
    folders = {path.parent.relative_to(ROOT / "functions").as_posix() for path in ROOT.glob("functions/**/handler.py")}
    functions = {function.name for function in topology.FUNCTIONS}
    assert not folders - functions, f"add a line to infra/topology.py for {sorted(folders - functions)}"
    assert not functions - folders, (
        f"infra/topology.py names functions without a handler: {sorted(functions - folders)}"
    )


@pytest.mark.parametrize("function", by_name(topology.FUNCTIONS))
def test_every_function_has_a_handler_that_takes_an_event_and_a_context(function: Function) -> None:
    module = importlib.import_module(f"functions.{function.name.replace('/', '.')}.handler")
    assert len(inspect.signature(module.handler).parameters) == 2, (
        f"functions/{function.name}/handler.py: give `handler` the parameters event and context"
    )


@pytest.mark.parametrize("function", by_name(topology.FUNCTIONS))
def test_every_grant_names_an_existing_resource(function: Function) -> None:
    for kind, granted, resources in (
        ("TABLES", set(function.tables), topology.TABLES),
        ("QUEUES", set(function.sends), topology.QUEUES),
        ("BUCKETS", set(function.buckets), topology.BUCKETS),
    ):
        missing = sorted(granted - {resource.name for resource in resources})
        assert not missing, f"add {missing} to {kind} in infra/topology.py, or take them off {function.name}'s line"
    accesses = {**function.buckets, **function.tables}
    empty = sorted(name for name, access in accesses.items() if not access)
    assert not empty, f"infra/topology.py: say how {function.name} uses {empty}, or take them off its line"


@pytest.mark.parametrize("function", by_name(topology.FUNCTIONS))
def test_no_function_is_granted_a_table_that_its_code_never_names(function: Function) -> None:
    unused = set(function.tables) - reach.reached_tables(function.name)
    assert not unused, f"{function.name} names no {unused}: remove them from its line in infra/topology.py"


@pytest.mark.parametrize("function", by_name(topology.FUNCTIONS))
def test_every_table_and_secret_that_a_function_reaches_is_granted(function: Function) -> None:
    if isinstance(function, Group) and serves_strangers_only(function) and Grant.SIGN_IN not in function.grants:
        pytest.skip("it knows nobody, so it reaches nothing that is somebody's")
    missing = reached_names(function) - never_called(function) - granted_tables(function)
    assert not missing, (
        f"{function.name} reaches {missing}: add the tables (or Grant.ROOT_SECRET) to its line in infra/topology.py, or"
        " a line with the reason to NEVER_CALLED if no code of the function gets there"
    )


@pytest.mark.parametrize("name", NEVER_CALLED)
def test_every_exception_is_reached_and_not_granted(name: str) -> None:
    function = topology.function(name)
    needless = NEVER_CALLED[name] - (reached_names(function) - granted_tables(function))
    assert not needless, f"take {needless} of {name} off NEVER_CALLED in {__file__}: not reached, or granted"


def granted_tables(function: Function) -> set[str]:
    return set(function.tables) | ({SECRET} if Grant.ROOT_SECRET in function.grants else set())


def reached_names(function: Function) -> set[str]:
    return reach.reached_tables(function.name) | (
        {SECRET} if "ROOT_SECRET" in reach.required_settings(function.name) else set()
    )


def never_called(function: Function) -> set[str]:
    # All dialects share one pipeline. Only the console's dialect resolves people by their sessions.
    others = isinstance(function, Group) and function.api != "hum"
    return NEVER_CALLED.get(function.name, set()) | ({"sessions"} if others else set())


def serves_strangers_only(group: Group) -> bool:
    api = importlib.import_module(f"functions.{group.name.replace('/', '.')}.handler").api
    return all(operation.public or operation.signed for operation in api.router.operations)


@pytest.mark.parametrize("queue", [pytest.param(queue, id=queue.name) for queue in topology.QUEUES])
def test_every_queue_has_one_worker(queue: Queue) -> None:
    workers = [worker.name for worker in topology.WORKERS if worker.queue == queue.name]
    assert len(workers) == 1, f"infra/topology.py: the queue {queue.name} has the workers {workers}, and needs one"


def test_every_worker_has_one_source() -> None:
    for worker in topology.WORKERS:
        assert bool(worker.queue) != bool(worker.stream), (
            f"infra/topology.py: give {worker.name} a queue or a stream, and not both"
        )
        assert worker.queue is None or worker.queue in {queue.name for queue in topology.QUEUES}, (
            f"add {worker.queue}, the queue of {worker.name}, to QUEUES in infra/topology.py"
        )
        assert worker.stream is None or topology.table(worker.stream).stream, (
            f"set stream=True for the table {worker.stream} in infra/topology.py: {worker.name} reads it"
        )


def test_a_visibility_timeout_is_a_little_longer_than_its_workers_timeout() -> None:
    for worker in topology.WORKERS:
        if worker.queue:
            hidden = topology.queue(worker.queue).visibility_seconds
            assert worker.seconds + worker.window < hidden <= 2 * worker.seconds, worker.name


def test_functions_that_pass_on_any_job_may_send_to_every_queue() -> None:
    sends = {worker.name: set(worker.sends) for worker in topology.WORKERS}
    declared = set(jobs.job_queues())
    # A timer and an outbox item hold any job. The fan-out also hands events to the workers that seal them.
    expected = {"workers/timers": declared - {"timers"}, "workers/fanout": declared - {"timers"} | {"audit"}}
    for name, queues in expected.items():
        assert sends[name] == queues, (
            f"infra/topology.py: add {sorted(queues - sends[name])} to the `sends` of {name}, "
            f"and take {sorted(sends[name] - queues)} off"
        )
    missing = declared - {queue.name for queue in topology.QUEUES}
    assert not missing, f"add {missing}, the queues of jobs, to QUEUES in infra/topology.py"


def test_functions_that_trigger_themselves_are_listed() -> None:
    found = {function.name for function in topology.FUNCTIONS if topology.feeds_itself(function)}
    # Deferred deliveries go back to their queues; the simulated transport reports to its own worker.
    # The simulated voice provider defers late reports and the end of a talk, once each.
    # A turn of a campaign sends the next one, as long as there is something to send.
    # A revoked token with many sessions ends them in several runs, each of which begins where the last one stopped.
    # A text that waits for its number returns at the time that it has reserved, and waits for four hours at most.
    # A turn of a registration that has nothing to record sends its job again for later. Its pauses grow.
    # A fired event sends one job for each flow that waits for it, and these jobs send none.
    listed = {
        "workers/triggers",
        "workers/brands",
        "workers/deliveries",
        "workers/slow_deliveries",
        "workers/roleplay",
        "workers/simulator",
        "workers/campaigns",
        "workers/texts",
        "workers/widgets",
    }
    assert found == listed, (
        f"{sorted(found - listed)} send jobs to their own queues, and Lambda stops such a function after 16 rounds. If "
        f"it ends by itself, list it here with the reason; take {sorted(listed - found)} off this list"
    )


@pytest.mark.parametrize("api", [pytest.param(api, id=api.name) for api in topology.APIS])
@pytest.mark.parametrize(
    "groups", [pytest.param(topology.GROUPS, id="now"), pytest.param(full_list.TOPOLOGY["GROUPS"], id="full list")]
)
def test_an_apis_paths_can_stand_in_one_rest_api(api: Api, groups: tuple[Group, ...]) -> None:
    assert api.fallback in {group.name for group in groups if group.api == api.name}, (
        f"infra/topology.py: the fallback of {api.name} is {api.fallback}, which is no group of this API"
    )
    paths = [path for group in groups if group.api == api.name for path in group.paths]
    twice = [path for path, count in Counter(paths).items() if count > 1]
    assert not twice, f"infra/topology.py: two groups of {api.name} have the paths {twice}: take them off one"
    bad = [path for path in paths if path.startswith(("/", "{")) or path.endswith("/")]
    assert not bad, f"infra/topology.py: write {bad} without a slash at either end, beginning with a fixed word"
    resources = {tuple(path.split("/")[:depth]) for path in paths for depth in range(1, len(path.split("/")) + 1)}
    # The root's own `{proxy+}` is one more. A new AWS account has a limit of 300.
    assert len(resources) < 300, f"{api.name} has {len(resources)} resources: let a group take `{{proxy+}}` of a folder"
    variables: dict[tuple[str, ...], set[str]] = {}
    for *parent, part in resources:
        if part.startswith("{"):
            variables.setdefault(tuple(parent), set()).add(part)
    # `{id}` and `{proxy+}` are both variables. A REST parent may have one.
    several = {"/".join(parent): sorted(parts) for parent, parts in variables.items() if len(parts) > 1}
    assert not several, f"infra/topology.py: let these parents have one variable in the paths of {api.name}: {several}"


def test_every_group_belongs_to_an_api() -> None:
    used, known = {group.api for group in topology.GROUPS}, {api.name for api in topology.APIS}
    assert used == known, (
        f"infra/topology.py: add {sorted(used - known)} to APIS, and a group to GROUPS for {sorted(known - used)}"
    )


@pytest.mark.parametrize("group", by_name(topology.GROUPS))
def test_every_route_of_a_group_is_at_one_of_its_paths(group: Group) -> None:
    api = importlib.import_module(f"functions.{group.name.replace('/', '.')}.handler").api
    base = next(api.base_path for api in topology.APIS if api.name == group.api)
    for operation in api.router.operations:
        path = re.sub("<[^>]+>", "{id}", operation.path).removeprefix(f"/{base}" if base else "").removeprefix("/")
        served = any(path == own or path.startswith(own.removesuffix("{proxy+}")) for own in group.paths)
        assert served, f"{operation.path} is at none of {group.paths}"


def test_an_api_has_the_binary_types_of_all_its_groups() -> None:
    groups = (
        Group("a", api="hum", binary=("multipart/form-data", "audio/wav")),
        Group("b", api="hum", binary=("audio/wav",)),
        Group("c", api="hum"),
        Group("d", api="anima", binary=("image/png",)),
    )
    hum, athos = (next(api for api in topology.APIS if api.name == name) for name in ("hum", "athos"))
    assert topology.binary_types(hum, groups) == ["audio/wav", "multipart/form-data"]
    assert topology.binary_types(athos, groups) == []


@pytest.mark.parametrize("route", list_routes(), ids=lambda route: route.name)
def test_a_group_declares_what_its_operations_bodies_need(route: Route) -> None:
    missing_from_group(route.group, route.operation)


FILE = Operation(
    method="POST", path="/x", body=MultipartBody(field="audio", types=frozenset({"audio/wav"}), to="inbound-mail")
)


def missing_from_group(group: Group, operation: Operation) -> None:
    """Assert that a group of the topology declares the settings that an operation's kind of body needs."""
    needed = operation.body.binary_types if operation.takes_body else frozenset()
    assert needed <= set(group.binary), f"{group.name}: add {sorted(needed)} to its `binary` in infra/topology.py"
    if isinstance(operation.body, MultipartBody):
        bucket = operation.body.to
        assert "write" in group.buckets.get(bucket, ()), f"{group.name}: let it write to {bucket} in infra/topology.py"
        assert topology.bucket(bucket).days, f"{bucket}: give it `days`, so that files that no route kept are deleted"


def test_a_file_needs_bytes_a_bucket_and_an_end() -> None:
    good = Group("a", api="hum", binary=("multipart/form-data",), buckets={"inbound-mail": WRITE})
    missing_from_group(good, FILE)
    for bad, words in (
        (replace(good, binary=()), "multipart/form-data"),
        (replace(good, buckets={}), "let it write"),
        (replace(good, buckets={"inbound-mail": READ}), "let it write"),
    ):
        with pytest.raises(AssertionError, match=words):
            missing_from_group(bad, FILE)
    for_ever = replace(FILE, body=replace(FILE.body, to="attachments"))  # type: ignore[type-var]
    with pytest.raises(AssertionError, match="give it `days`"):
        missing_from_group(replace(good, buckets={"attachments": WRITE}), for_ever)


def most_executions() -> Counter[str]:
    """How many invocations may run at once: reserved ones, and those of workers and schedules without a reservation."""
    most: Counter[str] = Counter()
    for function in topology.FUNCTIONS:
        if function.reserved is not None:
            most["reserved"] += function.reserved
        elif isinstance(function, Worker):
            assert function.concurrency, (
                f"{function.name}: limit its concurrency, or a burst of its jobs stops the APIs"
            )
            most["workers"] += function.concurrency
        elif isinstance(function, Schedule):
            most["workers"] += 1
    return most


def test_workers_at_their_maximum_leave_room_for_the_apis() -> None:
    most = most_executions()
    left = topology.ACCOUNT_EXECUTIONS - most["reserved"] - most["workers"]
    assert left >= topology.API_EXECUTIONS, f"raise ACCOUNT_EXECUTIONS and docs/deploying.md: {left} are left"


def test_callers_on_the_line_have_environments_of_their_own() -> None:
    assert topology.function("callbacks/twilio").reserved


def test_the_page_asks_for_the_limit_that_the_topology_needs() -> None:
    (line,) = re.findall(r"^.*concurrent Lambda executions.*$", (ROOT / "docs" / "deploying.md").read_text(), re.M)
    reserved = most_executions()["reserved"]
    numbers = [int(found.replace(",", "")) for found in re.findall(r"\b\d[\d,]*\d\b", line)]
    assert numbers == [
        topology.ACCOUNT_EXECUTIONS,
        reserved,
        topology.API_EXECUTIONS,
        reserved + topology.UNRESERVED_EXECUTIONS,
        topology.UNRESERVED_EXECUTIONS,
    ]
