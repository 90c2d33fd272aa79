"""The dry run: what publishing a version would do, from tracks and pings, without touching anything."""
