"""The groups of modules that are measured, each with the tests that hold it."""

from __future__ import annotations

from typing import NamedTuple

#: The share of branches that tests must run, and of mutants that tests must notice, in percent.
LEAST_BRANCHES, LEAST_KILLED = 95, 90


class Group(NamedTuple):
    """Modules that keep one promise.

    `covered` are modules, or packages with everything in them, whose branches are counted. `mutated` are the modules
    that are changed to see whether a test notices. `tests` run for both, so they must be quick.
    """

    name: str
    covered: tuple[str, ...]
    mutated: tuple[str, ...]
    tests: tuple[str, ...]
    slow: tuple[str, ...] = ()


_LIMITER = (
    "switchboard.edge.rate_limit",
    "switchboard.edge.rate_counters",
    "switchboard.edge.rate_leases",
)
_EFFECTS = ("switchboard.persistence.idempotency", "switchboard.edge.idempotency", "switchboard.persistence.optimistic")

GROUPS = (
    Group(
        "signer",
        covered=("switchboard.webhooks.signing",),
        mutated=("switchboard.webhooks.signing",),
        tests=("tests/unit/webhooks/test_signing.py", "tests/unit/test_golden.py"),
    ),
    Group(
        "gate",
        covered=("switchboard.compliance",),
        mutated=(
            "switchboard.compliance.rules",
            "switchboard.compliance.service",
            "switchboard.compliance.hours",
        ),
        tests=(
            "tests/unit/compliance",
            "tests/unit/calls/test_acceptance.py",
            "tests/unit/carriers/test_registry_files.py",
        ),
        slow=(
            "tests/unit/compliance/test_service_concurrency.py",
            # These hold tables of law and phrases, hundreds of rows, and not what is done with them.
            "tests/unit/compliance/test_disclosures.py",
            "tests/unit/compliance/test_phone.py",
            "tests/unit/compliance/test_opt_out_speech.py",
            "tests/unit/compliance/test_hours.py::test_a_state",
            "tests/unit/compliance/test_hours.py::test_an_area_code",
        ),
    ),
    Group(
        "limiter",
        covered=_LIMITER,
        mutated=_LIMITER,
        tests=(
            "tests/unit/edge/test_rate_limit.py",
            "tests/unit/edge/test_rate_counters.py",
            "tests/unit/edge/test_rate_leases.py",
            "tests/unit/edge/test_rate_limit_early_reads.py",
        ),
        slow=(
            "tests/unit/edge/test_rate_leases.py::test_at_least_95_percent",
            "tests/unit/edge/test_rate_leases.py::test_a_burst_gets_95_percent",
            "tests/unit/edge/test_rate_leases.py::test_processes_that_come_and_go",
            "tests/unit/edge/test_rate_leases.py::test_a_minute_begins_whole",
            "tests/unit/edge/test_rate_leases.py::test_a_flood_on_a_small_bucket",
            "tests/unit/edge/test_rate_leases.py::test_buckets_of_a_crowd",
            "tests/unit/edge/test_rate_leases.py::test_an_upgrade_to_a_sliced_plan",
        ),
    ),
    Group(
        "effects",
        covered=_EFFECTS,
        mutated=_EFFECTS,
        tests=(
            "tests/unit/edge/test_idempotency.py",
            "tests/unit/persistence/test_idempotency.py",
            "tests/unit/persistence/test_optimistic.py",
        ),
    ),
)


def chosen(names: list[str]) -> list[Group]:
    """Returns the groups of these names, or all without one. Exits with a message for an unknown name."""
    known = {group.name: group for group in GROUPS}
    if unknown := set(names) - set(known):
        raise SystemExit(f"No such group: {', '.join(sorted(unknown))}. There are {', '.join(known)}.")
    return [known[name] for name in names] or list(GROUPS)
