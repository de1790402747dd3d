"""Decides the units that the report of a day sends: those beyond the plan, less those that were reported.

Use can count in a month whose last report was sent: a call runs over midnight, or a late truth corrects its length. The
reports of a month therefore also compare the month before. Units that are missing there are `late`, and billed in the
new month. Units that were billed and given back are a `credit`, which pays for the same units of the new month.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from switchboard.billing import catalog
from switchboard.billing.catalog import Included
from switchboard.billing.models import REFUSED, ReportKind, UseReport
from switchboard.usage.models import Meter


@dataclass(frozen=True)
class MonthUse:
    """The use of a month by meter, with what its smallest plan (`least`) and all its plans (`most`) include."""

    month: str
    units: Mapping[str, int]
    least: Included
    most: Included

    def beyond_largest_plan(self) -> dict[Meter, int]:
        return catalog.overage_units(self.most, self.units)

    def beyond_smallest_plan(self) -> dict[Meter, int]:
        return catalog.overage_units(self.least, self.units)


@dataclass(frozen=True)
class DueUnits:
    """Units of a meter that a report has to tell. `kind` says which month they count in."""

    meter: Meter
    kind: ReportKind
    units: int


def decide_due_units(use: MonthUse, earlier: MonthUse | None, reports: Sequence[UseReport]) -> list[DueUnits]:
    """Returns what is due for a month and the month before. `earlier` is `None` if that month is not billed.

    `reports` are those of both months.
    """
    due: list[DueUnits] = []
    for meter, beyond in use.beyond_largest_plan().items():
        units = max(0, beyond - reported_units(reports, meter, use.month))
        if earlier is not None:
            known = reported_units(reports, meter, earlier.month)
            late = earlier.beyond_largest_plan()[meter] - known
            # Units that a smaller plan billed before a larger one began stay billed.
            credit = min(units, max(0, known - earlier.beyond_smallest_plan()[meter]))
            due += [DueUnits(meter, "late", late), DueUnits(meter, "credit", credit)]
            units -= credit
        due.append(DueUnits(meter, "use", units))
    return [one for one in due if one.units > 0]


def reported_units(reports: Sequence[UseReport], meter: Meter, month: str) -> int:
    """Returns the units of a month that were reported. The reports of the next month may add or give back some."""
    total = 0
    for report in reports:
        if report.meter != meter.value or report.state == REFUSED:
            continue
        if report.month == month:
            total += report.units
        elif report.kind == "credit" and report.month_before == month:
            total -= report.units
    return total


def lost_credit(earlier: MonthUse | None, reports: Sequence[UseReport]) -> dict[Meter, int]:
    """Returns the units that a month was billed too many, after all reports that could give them back."""
    if earlier is None:
        return {}
    allowed = earlier.beyond_smallest_plan()
    over = {meter: reported_units(reports, meter, earlier.month) - units for meter, units in allowed.items()}
    return {meter: units for meter, units in over.items() if units > 0}
