"""Syntheses, each made once a session: the library takes seconds to start."""

from __future__ import annotations

import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra import build
from infra.local.engine import ACCOUNT, Engine
from switchboard.aws import deployment
from tests.conftest import clear_caches
from tests.infra.deployed import Deployed
from tests.infra.templates import Templates

FULL = {
    "stage": "test",
    "domain": "api.example.com",
    "certificate_arn": "arn:aws:acm:us-east-1:111122223333:certificate/made-up",
    "sender_domain": "example.com",
    "language_model": "us.example.model-v1:0",
    "twilio_account_sid": "ACexample",
    "twilio_secret_arn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:twilio-made-up",
    "twilio_calls_per_second": "5",
    "voice_carrier": "twilio",
    "texts_carrier": "twilio",
    "texts_per_second_long_code": "2",
    "texts_per_second_toll_free": "5",
    "texts_per_second_short_code": "90",
    "carrier_answers_keywords": "off",
    "voice_talker": "announcer",
    "caller_pool": "+14155552671",
    "transfer_countries": "US,CA,MX",
    "payments_carrier": "stripe",
    "stripe_secret_arn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:stripe-made-up",
    "stripe_webhook_secret_arn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:stripe-hook-made-up",
    "stripe_prices": "starter=price_1,growth=price_2,scale=price_3",
    "stripe_metered_prices": "price_4,price_5",
    "stripe_automatic_tax": "on",
    "billing_origins": "https://console.example.com",
    "livekit_url": "wss://example.livekit.cloud",
    "livekit_api_key": "APIexample",
    "livekit_secret_arn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:livekit-made-up",
    "turnstile_secret_arn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:turnstile-made-up",
    "turnstile_site_key": "0x4AAAAAAAmadeup",
    "national_registry": "files",
    "national_registry_folder": "/opt/registry",
    "alarm_email": "oncall@example.com",
    "monthly_budget_dollars": "500",
}
Synthesize = Callable[..., Templates]
#: Groups of tests that share what takes long to make, each with its fixtures. The longest one begins.
_SHARING = {
    "engine": {"for_engine", "deployed", "described"},
    "templates": {"full_deployment", "bare_deployment", "development"},
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process make what tests share (`--dist loadgroup`). Tests that share nothing stay with their file."""
    here, places = Path(__file__).parent, [*_SHARING]
    groups: dict[pytest.Item, str] = {}
    for item in items:
        if item.path.is_relative_to(here):
            used = set(getattr(item, "fixturenames", ()))
            groups[item] = next((name for name, shared in _SHARING.items() if used & shared), item.path.stem)
            item.add_marker(pytest.mark.xdist_group(groups[item]))
    items.sort(key=lambda item: places.index(groups[item]) if groups.get(item) in places else len(places))


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> build.Assets:
    """The zips, with a placeholder for the dependencies."""
    return build.build_assets(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="session")
def synthesize(assets: build.Assets, tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Synthesize with a given context."""

    def run(context: dict[str, Any], assets: build.Assets = assets) -> Templates:
        from infra import app

        out = tmp_path_factory.mktemp("cdk")
        app.synthesize(out, context, assets)
        return Templates(out, context["stage"])

    return run


@pytest.fixture(scope="session")
def full_deployment(synthesize: Synthesize) -> Templates:
    """A deployment with a domain, mail through SES, a language model, a live transport, and an address for alarms."""
    return synthesize(FULL)


@pytest.fixture(scope="session")
def bare_deployment(synthesize: Synthesize) -> Templates:
    """A deployment with a stage and no other setting."""
    return synthesize({"stage": "test"})


@pytest.fixture(scope="session")
def development(synthesize: Synthesize) -> Templates:
    """A development deployment: the default stage."""
    return synthesize({"stage": "dev"})


@pytest.fixture(scope="session")
def for_engine(synthesize: Synthesize, assets: build.Assets, tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """A deployment to the local engine. Its functions find their dependencies in the test's own environment."""
    layer = tmp_path_factory.mktemp("layer") / "dependencies.zip"
    # The engine runs functions with its own Python, which reads .pth files where Lambda looks for packages. The path
    # goes to the front: the engine's own environment has another botocore.
    site = Path("python", "lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")
    with zipfile.ZipFile(layer, "w") as archive:
        here = sysconfig.get_path("purelib")
        archive.writestr(f"{site}/here.pth", f"import sys; sys.path.insert(0, {here!r})\n")
    context = {"stage": "test", "local_engine": "true", **{name: FULL[name] for name in ("domain", "certificate_arn")}}
    return synthesize(context, replace(assets, dependencies=layer))


@pytest.fixture(scope="session")
def deployed(running_engine: Engine, for_engine: Templates) -> Iterator[Deployed]:
    """The whole system in the engine."""
    made = Deployed(running_engine, for_engine)
    made.deploy()
    yield made
    cloudformation = made.client("cloudformation")
    for name in reversed(for_engine.artifacts):
        cloudformation.delete_stack(StackName=name)


@pytest.fixture
def described(deployed: Deployed, running_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The deployment's own description, as an operator in the same account reads it."""
    for name, value in running_engine.environ(ACCOUNT).items():
        monkeypatch.setenv(name, value)
    clear_caches()
    yield deployment.load_environ("test")
    clear_caches()
