"""Background work for numbers: their settings at the provider, and purchases without an answer."""

from __future__ import annotations

from switchboard import workers
from switchboard.flows import assignments
from switchboard.numbers import configuration
from switchboard.numbers.jobs import ConfigureNumber, SettlePurchase

handler = workers.job_handler(
    {
        ConfigureNumber: lambda job: configuration.configure_number(job.org_id, job.number_id),
        SettlePurchase: lambda job: assignments.settle_purchase(job.org_id, job.purchase_id),
    }
)
