"""What must still be told: claim -> deliver -> done | later."""
