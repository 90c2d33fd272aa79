"""Vector tiles of a version: its regions as a map in the browser wants them."""
