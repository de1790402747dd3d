"""`make seed`: adds an organization with a year of calls to the running stack.

The items are equal to those that the services and the projections write (`switchboard.calls.bulk` and
`switchboard.analytics.bulk`), but there are no events, so that no work starts. The numbers of all people are reserved
for fiction and reach nobody.
"""

CONTACTS, CALLS = 20_000, 100_000
#: Callers without a contact.
STRANGERS = 5_000
