"""The schema's history, oldest first; run by Alembic, never imported by the rest."""
