"""The gateway: pings in over HTTP, events and state out. `app.gateway_app` puts it together."""
