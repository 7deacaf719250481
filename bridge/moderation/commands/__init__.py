"""Commands of the moderation area, one file each; being here is registering."""
