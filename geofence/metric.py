"""Metres on the ground: from a point to a piece of border, and bounds that are never too long.

One scalar function, `piece_m`, decides every margin, whichever engine asks, so that two engines that look at different
candidates agree to the last bit. Edges are straight in lon and lat; the nearest point of one is found on the WGS 84
ellipsoid in space, and its chord turned into ground distance as if all of the earth curved as tightly as its tightest
place (at most 3 mm too long at 50 km, never too short). Invariant: nothing inside a box has a `piece_m` below f where
the box's `gap` is above `gap_of(f)`.
"""

from __future__ import annotations

import math

from numba import njit

from geofence.kernel import kernel

MARGIN_END_M = 50_000.0
PIECE_DEG = 1.0  # pieces are no longer than this, so that the search below has one minimum

_A = 6_378_137.0
_E2 = 0.0066943799901413165
_LEAST_RADIUS_M = 6_335_439.0  # the meridian's curvature at the equator: nothing on the ellipsoid curves tighter
_STRAIGHT_M2 = 1e-2  # a tenth of a metre, squared
_RAD = math.pi / 180.0
_SIXTH = 0.1666666666666667  # a hair more; a product, since a division takes as long as all else in `gap`


@kernel
def piece_m(lon: float, lat: float, alon: float, alat: float, blon: float, blat: float) -> float:
    """Metres from (lon, lat) to the nearest point of the edge a-b, which is no longer than PIECE_DEG."""
    phi = lat * _RAD
    sin_phi, cos_phi = math.sin(phi), math.cos(phi)
    n = _A / math.sqrt(1.0 - _E2 * sin_phi * sin_phi)
    px, pz = n * cos_phi, n * (1.0 - _E2) * sin_phi
    lam_a, lam_b = _east(alon - lon) * _RAD, _east(blon - lon) * _RAD
    dlam, phi_a, phi_b = (blon - alon) * _RAD, alat * _RAD, blat * _RAD
    dphi = phi_b - phi_a
    along = dlam * cos_phi
    reach = along * along + dphi * dphi
    t = 0.0
    if reach > 0.0:
        t = -(lam_a * cos_phi * along + (phi_a - phi) * dphi) / reach
        t = min(1.0, max(0.0, t))
    best = math.inf
    for _ in range(5):
        lam, q = (lam_b, phi_b) if t == 1.0 else (lam_a + t * dlam, phi_a + t * dphi)
        sin_q, cos_q, sin_l, cos_l = math.sin(q), math.cos(q), math.sin(lam), math.cos(lam)
        root = math.sqrt(1.0 - _E2 * sin_q * sin_q)
        n = _A / root
        x, y, z = n * cos_q * cos_l, n * cos_q * sin_l, n * (1.0 - _E2) * sin_q
        dx, dy, dz = px - x, -y, pz - z
        best = min(best, dx * dx + dy * dy + dz * dz)
        m = n * (1.0 - _E2) / (root * root)
        tx = -m * sin_q * cos_l * dphi - n * cos_q * sin_l * dlam
        ty = -m * sin_q * sin_l * dphi + n * cos_q * cos_l * dlam
        tz = m * cos_q * dphi
        length = tx * tx + ty * ty + tz * tz
        if length == 0.0:
            break
        new = min(1.0, max(0.0, t + (dx * tx + dy * ty + dz * tz) / length))
        step = new - t
        if step == 0.0:
            break
        if step * step * length < _STRAIGHT_M2 and 0.0 < new < 1.0:  # so near that the tangent is the edge
            dx, dy, dz = dx - step * tx, dy - step * ty, dz - step * tz
            best = min(best, dx * dx + dy * dy + dz * dz)
            break
        t = new  # an end is always looked at itself, so that two edges that meet there are equally far
    bend = best / (_LEAST_RADIUS_M * _LEAST_RADIUS_M)
    return math.sqrt(best) * (1.0 + bend * (1.0 / 24.0 + bend * (3.0 / 640.0)))


@njit(cache=True, inline="always")
def _east(degrees: float) -> float:
    """A difference of longitudes, the short way round."""
    if degrees > 180.0:
        degrees -= 360.0
    elif degrees < -180.0:
        degrees += 360.0
    return degrees


@njit(cache=True, inline="always")
def gap(
    lon: float,
    lat: float,
    cos_lat: float,
    west: float,
    south: float,
    east: float,
    north: float,
    least_cos: float,
) -> float:
    """How far a box is at least, as a haversine to compare with `gap_of`; `least_cos`: the smallest cos(lat) in it."""
    dlon = 0.0
    if lon < west:
        dlon = max(0.0, min(west - lon, lon + 360.0 - east))
    elif lon > east:
        dlon = max(0.0, min(lon - east, west + 360.0 - lon))
    dlat = max(0.0, max(south - lat, lat - north))
    u, v = dlat * (_RAD / 2.0), dlon * (_RAD / 2.0)
    sin_u, sin_v = u * (1.0 - u * u * _SIXTH), v * (1.0 - v * v * _SIXTH)  # both below the true sine
    return sin_u * sin_u + cos_lat * least_cos * sin_v * sin_v


@njit(cache=True, inline="always")
def gap_of(far_m: float) -> float:
    """The haversine beyond which nothing is nearer than far_m; a hair more, for rounding."""
    half = (far_m * (1.0 + 1e-8) + 1e-6) / (2.0 * _LEAST_RADIUS_M)
    return half * half


@njit(cache=True, inline="always")
def span_m(lon: float, lat: float, to_lon: float, to_lat: float, most_cos: float) -> float:
    """An upper bound of the metres between two points no more than half the world apart."""
    up, across = to_lat - lat, (to_lon - lon) * most_cos
    return 111_700.0 * math.sqrt(up * up + across * across) + 1e-2
