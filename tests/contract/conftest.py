"""Organizations of the stack: the demo, a suspended one, and one that has used up its rate limit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from smtplib import SMTP

import httpx
import pytest

from infra.local.aws import engine_client
from switchboard.accounts import organizations
from switchboard.aws.dynamodb import encode_item, encode_value
from switchboard.kit.settings import env_key
from switchboard.webhooks import deliveries, delivery_worker, new_delivery
from tests.conftest import Stack, clear_caches
from tests.contract import world
from tests.contract.world import Organization


@pytest.fixture(scope="session", autouse=True)
def _receiver() -> Iterator[None]:
    with world.rejecting_receiver():
        yield


@pytest.fixture(scope="session")
def http(stack: Stack) -> Iterator[httpx.Client]:
    with world.make_client(stack.url) as client:
        yield client


@contextmanager
def inside(stack: Stack) -> Iterator[None]:
    """The stack's services in this process, for actions that no API offers."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in json.loads((stack.home / "environ.json").read_text()).items():
            patch.setenv(name, value)
        clear_caches()
        yield
    clear_caches()


@pytest.fixture(scope="session")
def demo(stack: Stack, http: httpx.Client) -> Organization:
    """The demo organization. Its scale plan has limits that tests do not reach."""
    keys = stack.keys
    return Organization(
        http,
        keys["ORGANIZATION_ID"],
        keys["ANIMA_AGENT_ID"],
        keys["ANIMA_AGENT_KEY"],
        keys["ANIMA_MASTER_KEY"],
        post=partial(deliver_mail, stack.home),
    )


def deliver_mail(home: Path, mail: bytes, address: str) -> None:
    """Send a mail to an address of the stack whose data are in a folder."""
    with SMTP("127.0.0.1", int((home / "smtp_port").read_text())) as smtp:
        smtp.sendmail("you@example.com", [address], mail)


def attempt_delivery(org_id: str, delivery_id: str) -> None:
    """Make a delivery's first attempt in this process, as the worker for unknown endpoints does."""
    delivery_worker.deliver_batch([new_delivery.attempt_job(deliveries.get_delivery(org_id, delivery_id))], slow=True)


@pytest.fixture
def acme(http: httpx.Client) -> Organization:
    """An organization for one test."""
    return world.sign_up(http)


@pytest.fixture(scope="session")
def suspended(stack: Stack, http: httpx.Client) -> Organization:
    """An organization that is not active. No operation suspends one, so the table is changed directly."""
    org = world.sign_up(http)
    environ = json.loads((stack.home / "environ.json").read_text())
    dynamodb = engine_client(environ, "dynamodb")
    dynamodb.update_item(
        TableName=environ[env_key("TABLE", "core")],
        Key=encode_item(organizations.organization_ref(org.id).key),
        UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": encode_value("suspended")},
    )
    return org


@pytest.fixture(scope="session")
def exhausted(http: httpx.Client) -> Organization:
    """An organization on the free plan, for tests that use up its rate limit."""
    return world.sign_up(http)
