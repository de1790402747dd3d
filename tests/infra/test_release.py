"""The workflow of a release runs targets of the Makefile only, and asks a person before production."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.conftest import ROOT

_FILE = ROOT / ".github" / "workflows" / "release.yml"


def read_jobs() -> dict[str, Any]:
    return dict(yaml.safe_load(_FILE.read_text())["jobs"])


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_each_command_is_a_target_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name, job in read_jobs().items():
        for command in commands(job):
            program, target, *_ = command.split()
            assert (program, target in targets) == ("make", True), f"{name}: {command}"


def test_production_follows_staging_and_all_tests_and_staging_the_short_ones() -> None:
    jobs = read_jobs()
    assert (jobs["staging"]["needs"], jobs["production"]["needs"]) == ("test", ["staging", "thorough"])
    assert [command.split()[1] for command in commands(jobs["production"])] == ["doctor", "diff", "deploy", "smoke"]
    assert commands(jobs["staging"]) == commands(jobs["production"])
    assert jobs["production"]["environment"] == "production"


def test_only_jobs_that_deploy_may_sign_in() -> None:
    for name, job in read_jobs().items():
        signs_in = job.get("permissions", {}).get("id-token") == "write"
        assert signs_in is (name in ("staging", "production"))
        assert signs_in is any("configure-aws-credentials" in step.get("uses", "") for step in job["steps"])
