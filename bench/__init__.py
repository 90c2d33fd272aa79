"""Measures of geofence: how right its events are (`bench.quality`) and how fast they come."""
