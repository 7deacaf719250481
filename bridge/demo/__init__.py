"""A whole community on this machine: two federated homeservers, members, and a busy week."""
