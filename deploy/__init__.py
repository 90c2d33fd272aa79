"""What geofence is run with: containers, Prometheus, Grafana, and the same as processes of this machine (`cluster`)."""
