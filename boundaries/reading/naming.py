"""Which attribute has the ids and which the names: as asked, or by what files mostly call them, or by their values.

Invariants: one attribute serves the whole file; ids are told as they stand, so that those that are missing or used
twice are found by the check, not hidden by another choice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from boundaries.errors import Undecided
from boundaries.reading.contents import Contents, Drawn
from boundaries.reading.options import OWN_ID
from geofence.malformed import shown

_SURE = ("id", "geoid", "geoid20", "geoid10", "region_id", "regionid", "zone_id", "uid", "uuid", "identifier")
_LIKELY = (
    *("code", "iso", "iso_code", "iso_3166_2", "iso_a3", "iso_a2", "iso3", "iso2", "nuts_id", "ags", "ags_0", "lau_id"),
    *(
        "gid_4",
        "gid_3",
        "gid_2",
        "gid_1",
        "gid_0",
        "adm2_code",
        "adm1_code",
        "adm0_a3",
        "shapeid",
        "fips",
        "ref",
        "key",
    ),
)
_MACHINE = ("fid", "objectid", "ogc_fid", "gid", "osm_id", "objectid_1")  # numbers that a program gave
_NAMES = ("name", "name_en", "namelsad", "label", "title", "nom", "nombre", "naam", "navn", "bez", "gen", "shapename")
_EXACT = 2**53  # integers up to here are the same number as a JSON float
_NUMBERED = re.compile(r"(?P<word>(?:\w*[._])?)(?P<number>[0-9]{1,9})")
_SHOWN = 20

Value = Callable[[Drawn], Any]


@dataclass(frozen=True, slots=True)
class Naming:
    """How each feature gets its id and its name, and in which words that is told."""

    id_of: Callable[[Drawn], str | None]
    name_of: Callable[[Drawn], str]
    id_from: str
    name_from: str
    guessed: bool


def naming_of(contents: Contents, asked_id: str | None, asked_name: str | None) -> Naming:
    """The naming of a file. Raises Undecided where an attribute that was asked for is not there."""
    features, attributes = contents.features, attributes_of(contents.features)
    chosen = _asked(asked_id, attributes, "id") if asked_id is not None else _id_attribute(contents, attributes)
    named = _asked(asked_name, attributes, "name") if asked_name is not None else _name_attribute(attributes)
    own = chosen == OWN_ID
    value: Value = _own_id if own else (lambda drawn: drawn.properties.get(chosen))
    return Naming(
        id_of=lambda drawn: id_text(value(drawn)),
        name_of=lambda drawn: _name(drawn.properties.get(named)),
        id_from="" if not chosen or not features else ("the feature's id" if own else f"property {chosen}"),
        name_from=f"property {named}" if named else "",
        guessed=asked_id is None,
    )


def attributes_of(features: Iterable[Drawn]) -> tuple[str, ...]:
    """The attributes that features have, in the order in which they first appear."""
    return tuple(dict.fromkeys(name for drawn in features for name in drawn.properties))


def id_text(value: Any) -> str | None:
    """An id as text: 5, 5.0 and "5" are the same; None where it can't be one."""
    if isinstance(value, float) and value == np.rint(value) and abs(value) <= _EXACT:
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def _own_id(drawn: Drawn) -> Any:
    """As the core has it: the feature's own id, or else its property `id`."""
    return drawn.own_id if drawn.own_id is not None else drawn.properties.get("id")


def _asked(name: str, attributes: Sequence[str], option: str) -> str:
    if name in attributes or (name == OWN_ID and option == "id"):
        return name
    same = [one for one in attributes if one.lower() == name.lower()]
    if len(same) == 1:
        return same[0]
    some = ", ".join(map(shown, attributes[:_SHOWN])) + (" ..." if len(attributes) > _SHOWN else "")
    what = f"No feature has an attribute {shown(name)}; there are {some or 'none'}. Say which: --{option} NAME."
    raise Undecided(what, option, tuple(attributes))


def _id_attribute(contents: Contents, attributes: Sequence[str]) -> str:
    """Ids that most have under a sure name; else what is unique in all; else whatever there is, if anything."""
    features = contents.features
    by_name = [_called(one, attributes) for one in _SURE]
    likely = [name for name in (_called(one, attributes) for one in _LIKELY) if name]
    if _counts(features):
        sure = [*by_name, *(name for name in likely if _unique(features, name)), OWN_ID]
    else:
        sure = [OWN_ID, *by_name] if contents.own_ids_first else [*by_name, OWN_ID]
    for name in sure:
        if name and _share(features, name) >= 0.5:
            return name
    machine = [name for name in attributes if name.lower() in _MACHINE and name != contents.last_resort]
    others = [name for name in attributes if name not in (*machine, contents.last_resort)]
    for name in (*likely, *others, *machine, contents.last_resort):
        if name and _unique(features, name):
            return name
    return next((name for name in sure if name and _share(features, name) > 0), "")


def _counts(features: Sequence[Drawn]) -> bool:
    """Whether the features' own ids only number the rows, as some programs add them: 1, "1", zones.1, ID_00001."""
    numbered = [_NUMBERED.fullmatch(id_text(drawn.own_id) or "") for drawn in features]
    pairs = zip(numbered, features, strict=True)
    found = [(match["word"], int(match["number"]) - drawn.row) for match, drawn in pairs if match]
    return len(found) == len(features) and len(set(found)) == 1 and found[0][1] in (0, 1)


def _name_attribute(attributes: Sequence[str]) -> str:
    return next((name for name in (_called(one, attributes) for one in _NAMES) if name), "")


def _called(lower: str, attributes: Sequence[str]) -> str:
    """The attribute of this name, in small letters or capitals."""
    return next((name for name in attributes if name.lower() == lower), "")


def _texts(features: Sequence[Drawn], name: str) -> list[str | None]:
    if name == OWN_ID:
        return [id_text(drawn.own_id) for drawn in features]
    return [id_text(drawn.properties.get(name)) for drawn in features]


def _share(features: Sequence[Drawn], name: str) -> float:
    texts = _texts(features, name)
    return sum(text is not None for text in texts) / len(texts) if texts else 0.0


def _unique(features: Sequence[Drawn], name: str) -> bool:
    """Whether all have it, each another; numbers with fractions are measures, no ids."""
    texts = _texts(features, name)
    measures = any(
        isinstance(drawn.properties.get(name), float) and "." in (text or "")
        for drawn, text in zip(features, texts, strict=True)
    )
    return bool(texts) and not measures and None not in texts and len(set(texts)) == len(texts)


def _name(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    return id_text(value) or ""
