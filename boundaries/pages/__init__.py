"""What reports and differences share as web pages: one file each, with no script, no network, nothing to load."""
