"""What is wrong with regions, told so that a person can act on it; and mends that can be asked for."""
