"""What is remembered outside the log: keys, devices, webhooks, layers, who did what. `open_catalog` opens it."""

from catalog.errors import CatalogError, Changed, Conflict, Missing, Outdated, Refused, Unreachable
from catalog.opening import Catalog, knows, open_catalog, revision_of, upgrade

__all__ = [
    "Catalog",
    "CatalogError",
    "Changed",
    "Conflict",
    "Missing",
    "Outdated",
    "Refused",
    "Unreachable",
    "knows",
    "open_catalog",
    "revision_of",
    "upgrade",
]
