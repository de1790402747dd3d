"""The summary of a call's talk, and the outcome that its flow asks for.

| item in `activity` | pk | sk |
|---|---|---|
| summary | `<org>#call#<id>` | `summary` |

It is written once (`switchboard.calls.summarizing`). Turns that arrive later stay in the transcript and do not change
the summary: `turns` says how many it covers.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import Ref
from switchboard.aws.writes import Put
from switchboard.calls import store
from switchboard.calls.models import Call
from switchboard.calls.summarizers.models import Sentiment
from switchboard.kit import texts


class CallSummary(BaseModel):
    """The summary of a talk.

    `made_by` names the language model, or `rules`. `outcome_data` is the outcome by the flow's schema, None if the flow
    has no schema, or nothing was said. An outcome that does not fit the schema is kept: `outcome_valid` is then false,
    and `outcome_errors` says why.
    """

    tldr: str
    key_points: list[str] = Field(default_factory=list)
    next_actions: list[str] = Field(default_factory=list)
    sentiment: Sentiment = "neutral"
    outcome_data: dict[str, Any] | None = None
    outcome_valid: bool | None = None
    outcome_errors: list[str] = Field(default_factory=list)
    made_by: str
    turns: int
    created_at: str


def summary_ref(org_id: str, call_id: str) -> Ref[CallSummary]:
    """Returns the reference to a call's summary."""
    return Ref("activity", {"pk": store.call_ref(org_id, call_id).key["pk"], "sk": "summary"}, parse_summary)


def get_summary(org_id: str, call_id: str) -> CallSummary | None:
    """Returns the summary of a call's talk, None while it has none."""
    return reads.read_ref(summary_ref(org_id, call_id))


def summary_write(call: Call, summary: CallSummary) -> Put:
    """Returns the write of a summary, for the commit that marks the call as summarized."""
    item = summary.model_dump(mode="json") | {"outcome_data": texts.dump_json(summary.outcome_data)}
    return Put(table="activity", item={**summary_ref(call.org_id, call.id).key, **item}, unless_exists=True)


def parse_summary(item: Item) -> CallSummary:
    """Returns the summary of a stored item."""
    return CallSummary.model_validate(item | {"outcome_data": texts.load_json(item["outcome_data"])})
