"""Circles, shared threads and the people in them: what should exist, what does, and how to get there."""
