"""Switchboard's domain, shared by every function."""

import gc

# A cold start makes half a million objects that stay. To look through them for garbage as often as Python does by
# default, while there are more and more of them, is a tenth of its time.
gc.set_threshold(10_000, 20, 50)
