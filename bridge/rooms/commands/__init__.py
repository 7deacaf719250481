"""Commands of the rooms area, one file each; being here is registering."""
