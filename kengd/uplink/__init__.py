"""The line to the hub: one MQTT session, the outbox that walks the book, and a small link for shell commands."""
