"""Random interleavings of the code that accepts, claims, dials and sends with the code that withdraws permissions.

The seed of a run chooses the actors, the actor of each step (a request to the table or a carrier), the steps at which
a process dies, and the requests that fail temporarily. `python -m tests.races --seed 7` prints one run.
"""
