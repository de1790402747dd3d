"""Everything that the code reads can be set at a deployment."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from infra import topology
from infra.code_settings import WrongSettingError, check_settings, list_settings
from infra.stacks.deployment import Deployment
from infra.stacks.grants import names_of_settings
from infra.stacks.settings import Resources
from switchboard.kit.settings import PREFIX
from tests.conftest import ROOT
from tests.infra.conftest import FULL, Synthesize
from tests.infra.templates import Templates

#: Settings of the local stack alone. On AWS they would be wrong, and the code there does not heed them.
_LOCAL = {"OUTBOUND_LOOPBACK"}


def environments(made: Templates) -> dict[str, dict[str, str]]:
    """The variables of each function."""
    return {
        one["FunctionName"]: one["Environment"]["Variables"]
        for one in made.all("AWS::Lambda::Function")
        if "Environment" in one
    }


def test_each_setting_that_the_code_reads_is_made_or_can_be_given(
    full_deployment: Templates, synthesize: Synthesize
) -> None:
    of_full = {name.removeprefix(PREFIX) for given in environments(full_deployment).values() for name in given}
    # Settings of grants that even the full deployment leaves out.
    secret: Any = SimpleNamespace(secret_arn="arn:secret")
    made = frozenset(of_full) | names_of_settings(Deployment(), Resources({}, {}, secret, None))
    free = {}
    for setting in list_settings().values():
        try:
            check_settings({setting.name: "on" if setting.kind == "flag" else "1"}, made)
        except WrongSettingError:
            continue
        free[setting.name] = "on" if setting.kind == "flag" else "1"
    prefixes = tuple(name for name in list_settings() if name.endswith("_"))
    unset = list_settings().keys() - made - free.keys() - set(prefixes) - _LOCAL
    assert not unset, f"neither the stacks nor the context can set {sorted(unset)}"
    assert {"LOG_LEVEL", "REASSIGNED_NUMBERS", "SESSION_SECONDS", "SIGN_UPS_PER_HOUR", "OPEN_STREAMS"} <= free.keys()
    found = environments(synthesize(FULL | {"settings": json.dumps(free)}))
    for name in (topology.GROUPS[0].name, topology.WORKERS[0].name):
        given = found[full_deployment.name(name)]
        assert {key: given[PREFIX + key] for key in free} == free


def test_every_text_of_a_setting_in_the_code_is_found() -> None:
    read = set()
    for folder in ("layers/switchboard", "functions"):
        for path in (ROOT / folder).rglob("*.py"):
            if "cli" not in path.parts and path.name != "settings.py":
                read |= set(re.findall(r"settings\.(?:text|number|flag)\(\s*f?[\"\']([A-Z_]+)", path.read_text()))
    assert read <= list_settings().keys()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SESION_SECONDS", "1", "no code reads SESION_SECONDS: did you mean SESSION_SECONDS"),
        ("ZZZ", "1", "no code reads ZZZ: `python -m infra.code_settings` lists them"),
        ("SESSION_SECONDS", "long", "must be a whole number, not long"),
        ("FEATURE_PHONE_ENABLED", "maybe", "must be on or off, not maybe"),
        ("MAIL_CARRIER", "ses", "the deployment sets MAIL_CARRIER itself"),
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(name: str, value: str, words: str) -> None:
    with pytest.raises(WrongSettingError, match=words):
        check_settings({name: value}, frozenset({"MAIL_CARRIER"}))


def test_a_wrong_setting_fails_the_synthesis(synthesize: Synthesize) -> None:
    for wrong in ("MAIL_CARRIER", "PUBLIC_URL", "STAGE", "TWILIO_SECRET", "OIDC_ISSUER"):
        with pytest.raises(WrongSettingError, match=wrong):
            synthesize({"stage": "test", "settings": {wrong: "x"}})
