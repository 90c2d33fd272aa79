"""The drivers of GDAL that may open anything: three, and no others.

GDAL takes a file by what any of its drivers makes of it, and some of them read other files or the network. Invariant:
in a process that called `only_ours`, the others do not exist.
"""

from __future__ import annotations

import pyogrio
import pyogrio.core

from boundaries.errors import Unreadable

OURS = frozenset({"ESRI Shapefile", "GPKG", "FlatGeobuf"})


def only_ours() -> None:
    """Take all other drivers away from this process. Raises Unreadable where that can't be done."""
    others = set(pyogrio.list_drivers()) - OURS
    if not others:
        return  # registering again, with nothing to skip, would bring them back
    pyogrio.set_gdal_config_options(
        {
            "OGR_SKIP": ",".join(sorted(others)),
            "GDAL_VRT_ENABLE_PYTHON": "NO",
            "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}",
            "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE",
            "OGR_SQLITE_LOAD_EXTENSIONS": None,
        }
    )
    pyogrio.core._register_drivers()  # registering is when GDAL looks at what to skip
    left = set(pyogrio.list_drivers()) - OURS
    if left:
        raise Unreadable(f"Files can't be read safely here: GDAL keeps its drivers {', '.join(sorted(left))[:200]}.")
