"""Commands of the digest area, one file each; being here is registering."""
