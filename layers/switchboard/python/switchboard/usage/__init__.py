"""Metering: what an organisation used this month, and the limits that hold inside the transaction that spends."""
