"""Switchboard's domain, shared by every function."""

import gc

# A cold start makes half a million objects that stay. Looked through for garbage as often as by default, while there are
# more and more of them, they are a tenth of its time.
gc.set_threshold(10_000, 20, 50)
