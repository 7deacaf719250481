"""Sanctions, enforcement and the rules that keep the place safe."""
