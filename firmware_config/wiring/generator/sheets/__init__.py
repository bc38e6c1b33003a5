"""The sheets, one file a topic."""
