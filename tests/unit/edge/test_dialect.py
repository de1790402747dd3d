"""The texts of errors that no route decides."""

from __future__ import annotations

import pytest

from switchboard.dialects.anima.dialect import Anima
from switchboard.dialects.athos.dialect import Athos
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.opticomm.dialect import OptiComm
from switchboard.edge.dialect import Dialect, gateway_text


@pytest.mark.parametrize("dialect", [Anima(), Athos(), Hum(), OptiComm()], ids=lambda dialect: dialect.name)
def test_an_error_on_our_side_advises_the_key_where_there_is_one(dialect: Dialect) -> None:
    assert ("retry the request with the same Idempotency-Key" in dialect.internal_text) is dialect.idempotency_key
    assert ("try again later" in dialect.internal_text) is not dialect.idempotency_key


def test_a_body_that_api_gateway_refuses_is_told_to_be_smaller() -> None:
    assert gateway_text(413) == "The request is too large: send a smaller body."
