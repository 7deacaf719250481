"""The database: tables, engines, and small functions that return frozen values."""
