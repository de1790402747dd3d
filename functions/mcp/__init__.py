"""The server for models: tools that find and call the operations of all four APIs."""
