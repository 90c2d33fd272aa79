"""The apps that people already have: a module for each, bytes in, pings out, answer out. `gateway.apps` serves them."""
