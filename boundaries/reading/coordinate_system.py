"""The coordinate system that a file or an admin names becomes one that pyproj knows, or a refusal.

Invariant: no text from outside makes PROJ open a file: parameters that name grids or files are refused.
"""

from __future__ import annotations

import re
import warnings

import pyproj
from pyproj.exceptions import CRSError

from boundaries.errors import Unreadable
from geofence.malformed import shown

_LETTERS = 64_000
_OPENS_FILES = re.compile(
    r"(grids\s*=\s*(?!@null\b)|\binit\s*=|\bfile\s*=|parameterfile|proj=\s*pipeline)", re.IGNORECASE
)
_PATH = re.compile(r"^\s*[@./~]|^\s*[a-z]:\\", re.IGNORECASE)
_ALLOWED = "such as EPSG:25832, or a WKT"


def system_of(text: str) -> pyproj.CRS | None:
    """The system of this name or WKT, in two dimensions; None where it says itself that it is unknown.

    Raises Unreadable for what is none, or what can't be brought to lon and lat.
    """
    if len(text) > _LETTERS or _OPENS_FILES.search(text) or _PATH.search(text):
        raise Unreadable(
            f"The coordinate system {shown(text[:60])} refers to files or is too long; allowed: {_ALLOWED}. "
            "Say it by its code: --crs EPSG:25832."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = pyproj.CRS.from_user_input(text).to_2d()
    except (CRSError, ValueError, TypeError):
        raise Unreadable(
            f"The coordinate system {shown(text[:60])} is not known; allowed: {_ALLOWED}. Say it: --crs EPSG:25832."
        ) from None
    if _says_unknown(found):
        return None
    _check(found)
    return found


def title_of(system: pyproj.CRS) -> str:
    """As people know it: its code and name."""
    authority = system.to_authority(min_confidence=70)
    code = ":".join(authority) + ", " if authority else ""
    return f"{code}{system.name}"


def _says_unknown(system: pyproj.CRS) -> bool:
    """As GeoPackages say it of layers without a system, and GDAL after them."""
    return bool(system.name.lower().startswith("undefined"))


def _check(system: pyproj.CRS) -> None:
    flat = system.sub_crs_list[0] if system.is_compound and system.sub_crs_list else system
    if flat.is_engineering or flat.is_vertical or flat.is_geocentric or not (flat.is_projected or flat.is_geographic):
        raise Unreadable(
            f"The coordinate system {shown(system.name)} is a {system.type_name.removesuffix(' CRS').lower()} one, "
            f"which has no way to lon and lat; allowed: geographic and projected ones, {_ALLOWED}. "
            "Reproject the file, or say the true system: --crs EPSG:25832."
        )
