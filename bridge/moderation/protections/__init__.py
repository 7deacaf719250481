"""Protections, one file each; being here is registering."""
