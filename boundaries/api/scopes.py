"""The scopes of the boundary admins' endpoints."""

from __future__ import annotations

READ, WRITE, PUBLISH = "boundaries:read", "boundaries:write", "boundaries:publish"
DEVICES = "devices:read"  # to be shown which devices a dry run has moved
