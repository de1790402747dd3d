"""Metering: an organization's use by month and day, and limits that the spending transaction itself enforces."""
