"""Reads the versions of a flow, and a flow or a version as one text."""

from __future__ import annotations

from typing import NamedTuple

from switchboard.flows import configs, service, store
from switchboard.flows.models import Flow, FlowSource, FlowVersion, SourceFormat
from switchboard.flows.service import get_flow


class FlowConfig(NamedTuple):
    """A flow, and its configuration as text."""

    flow: Flow
    source: FlowSource


class VersionConfig(NamedTuple):
    """A version of a flow, and its configuration as text."""

    entry: FlowVersion
    source: FlowSource


def list_flow_versions(
    org_id: str, flow_id: str, limit: int, after: str | None
) -> tuple[list[FlowVersion], str | None]:
    """Returns a page of a flow's versions, newest first, and the cursor of the next page. Raises NotFound."""
    flow = get_flow(org_id, flow_id)
    found, following = store.list_versions(org_id, flow.id, limit, after)
    if not found and after is None and flow.version == 1:
        # A flow that was made before versions were kept has its entry after its next change.
        return [service.first_entry(flow, None)], None
    return found, following


def get_config(org_id: str, flow_id: str) -> FlowConfig:
    """Returns a flow and its configuration, in the format in which it was saved last. Raises NotFound."""
    flow = get_flow(org_id, flow_id)
    return FlowConfig(flow, _render_source(flow, None))


def get_version_config(org_id: str, flow_id: str, version: str, wanted: SourceFormat) -> VersionConfig:
    """Returns a version of a flow and its configuration. Raises NotFound, also for a deleted flow or another text."""
    number = int(version) if version.isascii() and version.isdigit() and len(version) <= 10 else 0
    found = service.get_snapshot(org_id, get_flow(org_id, flow_id).id, number)
    return VersionConfig(found.entry, _render_source(found.flow, wanted))


def _render_source(flow: Flow, wanted: SourceFormat | None) -> FlowSource:
    """Returns the configuration of a flow, or of one of its versions, as text.

    The text that was saved last is the base, so that its comments and the order of its keys stay.
    """
    base = store.get_snapshot(flow.org_id, flow.id, flow.source_version) if flow.source_version else None
    saved = base.source if base else None
    form = wanted or (saved.format if saved else "json")
    return FlowSource(configs.write_config(flow, form, saved), form)
