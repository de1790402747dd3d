"""The texts of a call that only its talk reads: the first words, the variables and the task context.

| item in `activity` | pk | sk |
|---|---|---|
| texts of a call | `<org>#call#<id>` | `texts` |

Each transition writes the call, and each page of a list reads it. So longer texts are an item of their own, in the
commit of the call, and never change. Short ones stay on the call, because a second item costs more. The prompt is
stored nowhere: the flow's version has it (`switchboard.calls.conversations`).
"""

from __future__ import annotations

from typing import Any

from switchboard.aws import reads
from switchboard.aws.dynamodb import Key
from switchboard.aws.writes import Put
from switchboard.calls import store, task_context
from switchboard.calls.models import Call
from switchboard.kit import texts

#: The longest texts of a call that stay on it, in bytes. With them, a usual call has less than two write units. A
#: new one with a sentence of greeting has less than one.
MAX_BYTES_ON_CALL = 500


def new_call_writes(call: Call) -> list[Put]:
    """Returns the writes that store a new call with its texts."""
    said = texts.dump_json(_texts_of(call))
    if len(said.encode()) <= MAX_BYTES_ON_CALL:
        return [store.CALLS.create_write(call)]
    return [
        store.CALLS.create_write(call.model_copy(update={"texts_apart": True})),
        Put(table="activity", item={**_key(call), "texts": said}, unless_exists=True),
    ]


def add_texts(call: Call) -> Call:
    """Returns a call with its texts, for a talk. Saving a later version of it stores no text again."""
    if not call.texts_apart:
        return call
    item = reads.get_item("activity", _key(call))
    assert item is not None, "a call and its texts are in one commit"
    said = texts.load_json(item["texts"])
    order = call.order.model_copy(update={"variables": said["variables"], "task_context": said["task_context"]})
    return call.model_copy(update={"greeting": said["greeting"], "order": order})


def find_variables(call: Call) -> dict[str, str]:
    """Returns the variables of a call with its texts: those of the request, and those of the task context."""
    return call.order.variables | task_context.context_variables(call.order.task_context)


def _texts_of(call: Call) -> dict[str, Any]:
    order = call.order
    return {"greeting": call.greeting, "variables": order.variables, "task_context": order.task_context}


def _key(call: Call) -> Key:
    return {"pk": store.call_ref(call.org_id, call.id).key["pk"], "sk": "texts"}
