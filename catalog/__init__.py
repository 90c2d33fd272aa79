"""What is remembered outside the log: keys, devices, webhooks, layers, who did what. `open_catalog` opens it."""

from catalog.errors import CatalogError, Changed, Conflict, Missing, Outdated, Refused, Unreachable
from catalog.opening import Catalog, open_catalog, upgrade

__all__ = [
    "Catalog",
    "CatalogError",
    "Changed",
    "Conflict",
    "Missing",
    "Outdated",
    "Refused",
    "Unreachable",
    "open_catalog",
    "upgrade",
]
