"""Follows and digests: what matters to one member, and when to tell them."""
