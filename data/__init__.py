"""Sample layers and the people who move through them."""
