"""The core: pings, regions and the rule that turns them into crossings. Pure: no I/O, no clock, no settings."""
