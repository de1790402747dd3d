"""From what was committed to those who act on it: the only place that knows all of them."""
