"""The answers that providers get when they call back."""
