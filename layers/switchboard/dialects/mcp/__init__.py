"""The server for models: JSON-RPC errors, and the credentials of all four APIs."""
