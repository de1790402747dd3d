"""Background work for numbers: their settings at the provider, purchases without an answer, and rent."""

from __future__ import annotations

from switchboard import workers
from switchboard.flows import assignments
from switchboard.numbers import configuration, rent
from switchboard.numbers.jobs import ChargeRent, ConfigureNumber, SettlePurchase

handler = workers.job_handler(
    {
        ChargeRent: lambda job: rent.charge_rent(job.org_id, job.number_id, job.month),
        ConfigureNumber: lambda job: configuration.configure_number(job.org_id, job.number_id),
        SettlePurchase: lambda job: assignments.settle_purchase(job.org_id, job.purchase_id),
    }
)
