"""Moto's AWS with the project's topology: created once per process, and copied for each test.

Some of moto's functions are replaced by faster ones with the same results. They took most of the time of unit tests.
"""

from __future__ import annotations

import copyreg
import json
import pickle
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from threading import RLock
from time import time
from typing import Any
from unittest.mock import patch

from moto import mock_aws  # before any botocore session is created: moto does not see older sessions
from moto.backends import get_backend
from moto.core import models, responses
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models import DynamoDBBackend, Table
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.sqs import models as sqs

from infra import topology
from infra.local import engine, provision
from switchboard.kit.settings import env_key
from tests import quick_clients

ENVIRON = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": engine.REGION,
    "AWS_DEFAULT_REGION": engine.REGION,
}
#: The calls with which `provision` creates resources.
_SERVICES = ("dynamodb", "s3", "secretsmanager", "ses", "sqs")


@contextmanager
def use_moto(*, quick: bool = True) -> Iterator[dict[str, str]]:
    """Empty tables, queues and buckets, and the settings by which functions find them.

    `quick` keeps the items of tables in memory (`tests.quick_clients`). Otherwise moto keeps them.
    """
    found, state = _provision()
    with mock_aws():
        for service, account, region, backend in pickle.loads(state):
            get_backend(service)[account][region] = backend
        if not quick:
            yield dict(found)
            return
        keys = {found[env_key("TABLE", table.name)]: table.keys for table in topology.TABLES}
        tables, queues = (get_backend(name)[DEFAULT_ACCOUNT_ID][engine.REGION] for name in ("dynamodb", "sqs"))
        with quick_clients.answer_in_memory(keys, tables.tables, queues.queues):
            yield dict(found)


@cache
def _provision() -> tuple[dict[str, str], bytes]:
    with mock_aws():
        found = provision.provision(ENVIRON)
        return found, _pickle([(name, *where) for name in _SERVICES for where in get_backend(name).iter_backends()])


class _Pickler(pickle.Pickler):
    dispatch_table = copyreg.dispatch_table | {
        # No thread holds a lock during the copy: the copy gets a new lock.
        type(RLock()): lambda _: (RLock, ()),
        # An item that was measured once is not measured again.
        LimitedSizeDict: lambda attributes: (_skip_measuring, (dict(attributes),)),
    }


def _skip_measuring(attributes: dict[str, Any]) -> LimitedSizeDict:
    made = LimitedSizeDict()
    dict.update(made, attributes)
    return made


def _pickle(value: Any) -> bytes:
    buffer = BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
    return buffer.getvalue()


_transact = DynamoDBBackend.transact_write_items


def _transact_at_less_cost(backend: DynamoDBBackend, writes: list[dict[str, Any]]) -> None:
    """Moto's transaction without its copies of whole tables, which are needed only if a write fails."""
    names = {operation.get("TableName") for write in writes for operation in write.values()}
    before = {name: _pickle(backend.tables[name]) for name in names if name in backend.tables}
    try:
        with patch.object(Table, "__deepcopy__", lambda table, _: table, create=True):
            _transact(backend, writes)
    except Exception:
        backend.tables.update({name: pickle.loads(table) for name, table in before.items()})
        raise


DynamoDBBackend.transact_write_items = _transact_at_less_cost


# Moto answers botocore through a hook. For the library `requests`, which the tests do not use, it would register a
# thousand URLs for each test. Without them, `requests` still reaches no network.
models.RESPONSES_METHODS.clear()


# Moto requests both for each request.
responses.camelcase_to_underscores = sqs.camelcase_to_underscores = cache(responses.camelcase_to_underscores)
responses.method_names_from_class = cache(responses.method_names_from_class)


_serialize = BaseJSONSerializer._serialize_type_structure


def _serialize_at_less_cost(
    serializer: BaseJSONSerializer, serialized: dict[str, Any], value: Any, shape: Any, key: str
) -> None:
    """Moto's serializer, which tries a dozen names for each member. This one passes members unchanged."""
    if shape.name == "AttributeValue" and type(value) is dict:
        serializer._default_serialize(serialized, value, shape, key)
    else:
        _serialize(serializer, serialized, value, shape, key)


def _dump(_: BaseJSONSerializer, body: Any) -> str:
    return json.dumps(body, default=lambda binary: b64encode(binary).decode())


BaseJSONSerializer._serialize_type_structure = _serialize_at_less_cost
BaseJSONSerializer._serialize_body = _dump


_all_items = Table.all_items


def _all_items_at_less_cost(table: Table) -> list[Item]:
    """Returns all items by their keys, which moto reads again at each comparison."""
    if not table.range_key_attr:
        return list(_all_items(table))
    found = [item for partition in table.items.values() for item in partition.values()]
    return sorted(found, key=lambda item: (item.hash_key.value, item.range_key.value))


def _sorted_items(table: Table, hash_keys: list[str], range_keys: list[str | None], items: list[Item]) -> list[Item]:
    names = table._generate_attr_to_sort_by(hash_keys, range_keys)
    items.sort(key=lambda item: [item.attrs[name].value for name in names])
    return items


def _is_equal(one: DynamoType, other: DynamoType) -> bool:
    if one.type != other.type:
        return False
    return bool(one.value == other.value if one.type == "S" else one.cast_value == other.cast_value)


# The topology's keys are strings.
Table.all_items = _all_items_at_less_cost
Table.sorted_items = _sorted_items
DynamoType.__eq__ = _is_equal


def _list_visible(queue: sqs.Queue) -> list[sqs.Message]:
    now = sqs.unix_time_millis()
    return [message for message in queue._messages if message.visible_at < now and message.delayed_until <= now]


def _count_hidden(queue: sqs.Queue) -> int:
    now = sqs.unix_time_millis()
    return sum(message.visible_at >= now for message in queue._messages)


def _count_delayed(queue: sqs.Queue) -> int:
    now = sqs.unix_time_millis()
    return sum(message.delayed_until > now for message in queue._messages)


def _is_retained(backend: sqs.SQSBackend, queue_name: str, message: sqs.Message) -> bool:
    queue = backend.get_queue(queue_name)
    return bool(queue.message_retention_period + message.sent_timestamp / 1000 > time())


# For each message that is sent or received, moto counts all messages of the queue several times, and asks for the time
# at each of them.
sqs.unix_time, sqs.unix_time_millis = time, lambda: time() * 1000
sqs.Queue.messages = property(_list_visible)
sqs.Queue.approximate_number_of_messages_not_visible = property(_count_hidden)
sqs.Queue.approximate_number_of_messages_delayed = property(_count_delayed)
sqs.SQSBackend.is_message_valid_based_on_retention_period = _is_retained
