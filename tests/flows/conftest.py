"""Every flow runs on a SQLite file and on PostgreSQL."""

from databases import database, header, postgres_server, where

__all__ = ["database", "postgres_server", "where"]


def pytest_report_header() -> str:
    return header()
