"""Organizations, their plans and their keys."""
