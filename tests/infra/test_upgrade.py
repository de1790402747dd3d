"""This release over the previous one: what holds data is there, and nothing replaces it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.infra.stored import list_replaced, list_stored, read_previous
from tests.infra.templates import Templates
from tests.infra.test_edges import duplicate

#: Lines of `list_replaced` that are wanted, and why no data is lost.
WANTED: dict[str, str] = {}


def test_nothing_with_data_is_replaced(full_deployment: Templates) -> None:
    replaced = set(list_replaced(read_previous(), list_stored(full_deployment)))
    assert replaced == WANTED.keys(), (
        f"data would be lost, or a name be in use: {sorted(replaced - WANTED.keys())}; keep the logical id and these"
        f" properties, or give the reason in WANTED. No longer so: {sorted(WANTED.keys() - replaced)}"
    )


def test_the_previous_release_has_all_kinds_of_data() -> None:
    kinds = {one.type.rpartition("::")[2] for one in read_previous().values()}
    assert kinds >= {"Bucket", "Key", "Queue", "Secret", "Table", "UserPool"}


def _rename(template: dict[str, Any], id_: str) -> None:
    template["Resources"]["Other"] = template["Resources"].pop(id_)


def _change_key(template: dict[str, Any], id_: str) -> None:
    template["Resources"][id_]["Properties"]["KeySchema"][0]["AttributeName"] = "sk"


def _change_type_of_key(template: dict[str, Any], id_: str) -> None:
    template["Resources"][id_]["Properties"]["AttributeDefinitions"][0]["AttributeType"] = "N"


def _set(name: str, value: Any) -> Callable[[dict[str, Any], str], None]:
    return lambda template, id_: template["Resources"][id_]["Properties"].update({name: value})


@pytest.mark.parametrize(
    ("kind", "change", "why"),
    [
        ("AWS::DynamoDB::Table", _rename, "is gone"),
        ("AWS::DynamoDB::Table", _change_key, "KeySchema was"),
        ("AWS::DynamoDB::Table", _change_type_of_key, "KeyTypes was"),
        ("AWS::DynamoDB::Table", _set("TableName", "other"), "TableName was"),
        ("AWS::S3::Bucket", _set("BucketName", "other"), "BucketName was"),
        ("AWS::SQS::Queue", _set("FifoQueue", "maybe"), "FifoQueue was"),
        ("AWS::SecretsManager::Secret", _set("Name", "other"), "Name was"),
        ("AWS::Cognito::UserPool", _set("UsernameAttributes", []), "UsernameAttributes was"),
        ("AWS::KMS::Key", _set("KeyUsage", "SIGN_VERIFY"), "KeyUsage was"),
    ],
)
def test_a_replacement_that_is_put_in_is_found(
    full_deployment: Templates, kind: str, change: Callable[[dict[str, Any], str], None], why: str
) -> None:
    broken = duplicate(full_deployment)
    made = next(full_deployment.all(kind))
    change(broken.stacks[made["stack"]], made["id"])
    (line, *_) = list_replaced(read_previous(), list_stored(broken))
    assert made["id"] in line
    assert why in line
