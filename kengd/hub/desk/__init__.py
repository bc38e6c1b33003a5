"""The officer's desk: the hub's HTTP API, and the only door of the hub to FastAPI."""
