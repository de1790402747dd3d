"""HTTP, once for all four APIs."""
