"""The duty book: SQLModel tables on SQLite, a hash chain, archives. Import what you need from its files: `reading`, `proof` need no ORM."""
