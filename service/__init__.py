"""The composition root: the `geofence` command line, readers of files, what is printed and drawn."""
