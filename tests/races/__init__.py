"""Random interleavings of what accepts, claims, dials and sends with what withdraws the leave to do so.

A run is a seed: it chooses the actors, whose turn it is before each request to the table or a carrier, which process
dies where, and which requests fail in passing. `python -m tests.races --seed 7` tells the story of one.
"""
