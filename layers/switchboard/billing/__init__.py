"""Billing: an organization's subscription, what happens when it is unpaid, and the use beyond the plan."""
