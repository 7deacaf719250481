"""Opens the database; never decides what is in it."""

from sqlalchemy.ext.asyncio import AsyncConnection

Connection = AsyncConnection
