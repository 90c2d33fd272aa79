"""`geofence doctor`: checks of a whole set-up, one module for each family, and what mends it."""
