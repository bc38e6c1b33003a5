"""What the hub keeps, in SQLite or PostgreSQL: the only door to the database."""
