"""Region changes sent to receivers over HTTP: the role `geofence webhooks`. `runner` is its top."""
