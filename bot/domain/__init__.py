"""What the product is about, as plain values and pure functions. Standard library only."""
