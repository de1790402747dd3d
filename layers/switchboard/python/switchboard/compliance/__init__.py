"""Whether a number may be called or texted now: the one gate for everything that goes out."""
