"""An organization whose requests succeed, and whose limits tests do not meet."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import httpx
import pytest

from tests.conftest import Stack
from tests.contract import world
from tests.contract.conftest import deliver_mail, inside
from tests.contract.every import Everyone, open_company


@pytest.fixture(scope="module")
def every(stack: Stack, http: httpx.Client) -> Iterator[Everyone]:
    with inside(stack), world.rejecting_receiver():
        yield open_company(http, partial(deliver_mail, stack.home))
