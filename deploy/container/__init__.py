"""What lies in the image beside geofence itself."""
