"""Live streams: a source is told while it happens, to those whom a guard lets watch it."""
