"""Find the id of every province: its ISO 3166-2 code, or one of ours.

Used by `make_provinces`. The map has names but no codes, so a code is found by hand (`province_codes.csv`),
else by the province's name, else by its GeoNames name, among the codes of its country. A code is given once,
to the largest of those that would have it; whoever is left without gets `<country>-x-<name>`. No two
provinces share an id.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from data import codes

BY_HAND = Path(__file__).with_name("province_codes.csv")

_KINDS_OF_PLACE = """
al borough canton changwat city commune comunidad concelho county da de del departamento departement di
district distrito do du el estado governorate iklimi island islands judet judetul kanton khett kommune
komuna kraj la lan le les los marz megye metropolitan muhafazat municipality novads obcina oblast oblasts
oblysy of okrug opstina ostan parish prefecture province provincia provincie quarter raionul rajons rayon
rayonu regiao region republic respublika sahari shabiyat shahrestan state the tinh viloyati voblasts
welayaty wilaya wilayat wojewodztwo zone zupanija
"""


@dataclass(frozen=True, slots=True)
class Province:
    """What is known of a province. `country` is ISO 3166-1 alpha-2, None where the map has none."""

    fid: int
    country: str | None
    name: str
    geonames: str
    area_deg2: float


@dataclass(frozen=True, slots=True)
class Identity:
    """A province's id and name. `status` is iso, withdrawn (a former ISO code) or own."""

    id: str
    name: str
    status: str


def identify(provinces: Iterable[Province], subdivisions: Mapping[str, str]) -> dict[int, Identity]:
    """Give each province its identity; `subdivisions` maps ISO 3166-2 codes to names."""
    waiting = {p.fid: p for p in provinces}
    found, names = _by_hand(waiting)
    taken = {identity.id for identity in found.values()}
    open_codes = {code: name for code, name in subdivisions.items() if code not in taken}
    settled = set(found) | set(names)
    for which in ("name", "geonames"):
        claims = _claims([p for fid, p in waiting.items() if fid not in settled], open_codes, which)
        for code, claimants in claims.items():
            winner = max(claimants, key=lambda p: (p.area_deg2, -p.fid))
            found[winner.fid] = Identity(id=code, name=winner.name, status="iso")
            settled.add(winner.fid)
            del open_codes[code]
    rest = [p for fid, p in waiting.items() if fid not in found]
    return found | _own(rest, names, {i.id for i in found.values()}, list(waiting.values()))


def _by_hand(provinces: Mapping[int, Province]) -> tuple[dict[int, Identity], dict[int, str]]:
    """Return the identities of the table, and the names of those it says have no code."""
    found, names = {}, {}
    with BY_HAND.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            province = provinces[int(row["fid"])]
            if province.name != (expected := row["name_in_file"]):
                raise ValueError(f"{BY_HAND.name}: {province.fid} is {province.name!r}, not {expected!r}")
            name = row["name"] or province.name
            if row["status"] == "own":
                names[province.fid] = name
            else:
                found[province.fid] = Identity(id=row["code"], name=name, status=row["status"])
    return found, names


def _claims(provinces: list[Province], open_codes: Mapping[str, str], which: str) -> dict[str, list[Province]]:
    """Return the provinces that claim each code: those whose name means it and no other code."""
    meaning: dict[tuple[str, str], set[str]] = defaultdict(set)
    for code, name in open_codes.items():
        for variant in _variants(name):
            meaning[code[:2], _core(variant)].add(code)
    claims = defaultdict(list)
    for province in provinces:
        meant = meaning.get((province.country or "", _core(getattr(province, which))), set())
        if len(meant) == 1:
            claims[next(iter(meant))].append(province)
    return claims


def _variants(name: str) -> set[str]:
    """Return the names that an ISO name such as "Murcia, Región de" or "Swansea [Abertawe]" holds."""
    bare = re.sub(r"[\[(].*?[\])]", "", name)
    return {name, bare, *re.findall(r"[\[(](.*?)[\])]", name), *name.split(","), *name.split("/")}


def _core(name: str) -> str:
    """Return the words that tell a place from others, joined; a name of nothing but kinds stays whole."""
    kinds = _KINDS_OF_PLACE.split()
    words = codes.slug(name).split("-")
    return "".join([w for w in words if w not in kinds] or words)


def _own(
    provinces: list[Province], names: Mapping[int, str], taken: set[str], everyone: list[Province]
) -> dict[int, Identity]:
    """Make ids from names; one borne twice in a country gives way to the GeoNames name, then to a number."""
    bearers: dict[tuple[str | None, str], int] = defaultdict(int)
    for province in everyone:
        bearers[province.country, codes.slug(names.get(province.fid, province.name))] += 1
    found = {}
    for province in sorted(provinces, key=lambda p: (-p.area_deg2, p.fid)):
        name = names.get(province.fid, province.name)
        alone = bearers[province.country, codes.slug(name)] == 1
        prefix = f"{province.country}-x" if province.country else "x"
        stem = f"{prefix}-{codes.slug(name if alone or not province.geonames else province.geonames)}"
        id_ = next(i for i in (stem, *(f"{stem}-{n}" for n in range(2, 99))) if i not in taken)
        taken.add(id_)
        found[province.fid] = Identity(id=id_, name=name, status="own")
    return found
