"""Who is behind a request, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was let in."""

    name: str  # a key's id, or a token's subject: for limits and the audit
    scopes: frozenset[str]
    device: str | None = None  # speaks for this device alone
    user: str | None = None
    grants_consent: bool = False

    def may(self, scope: str) -> bool:
        """Whether they have a scope; an admin has all."""
        return scope in self.scopes or "admin" in self.scopes

    def speaks_for(self, device: str) -> bool:
        """Whether they may speak for a device."""
        return self.device is None or self.device == device
