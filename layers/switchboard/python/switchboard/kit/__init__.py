"""Our own small tools, below every noun."""
