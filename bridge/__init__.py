"""Hearth: a Matrix bot-service for support communities."""
