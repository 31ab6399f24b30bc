"""What the rooms that call other servers share."""
