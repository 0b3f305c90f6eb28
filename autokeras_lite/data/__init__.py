"""What is given: read, profile, gate, split, encode."""
