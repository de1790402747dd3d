"""The four dialects: how each API authenticates, orders its checks, and says no."""
