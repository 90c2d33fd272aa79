"""API keys: what each may do, for whom, until when.

Shown once when made, stored hashed. Invariants: a key never gains a right after it was made; once revoked it stays so.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, Row, insert, select, update

from catalog import audit
from catalog.audit import Line
from catalog.database import Database, newest_change, next_change
from catalog.errors import Missing, Refused
from catalog.names import check_name
from catalog.secret import new_id, new_key
from catalog.tables import key

SCOPES = (
    "pings:write",
    "events:read",
    "devices:read",
    "positions:read",
    "boundaries:read",
    "boundaries:write",
    "boundaries:publish",
    "admin",
)


@dataclass(frozen=True, slots=True)
class Key:
    """One key, without its secret."""

    id: str
    name: str
    scopes: frozenset[str]
    device: str | None  # speaks for this device alone
    user: str | None
    grants_consent: bool  # whether its first ping may count as consent
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None

    def refused(self, now_ms: int) -> str | None:
        """Why it is not valid now, in words; None: it is."""
        if self.revoked_ms is not None:
            return "the key has been revoked"
        if self.expires_ms is not None and now_ms >= self.expires_ms:
            return "the key has expired"
        return None


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key and the hash of its secret."""

    key: Key
    hash: bytes


@dataclass(frozen=True, slots=True)
class News:
    """The keys that have changed, and up to which change that is."""

    keys: list[KeptKey]
    number: int


class Keys:
    """All keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        *,
        name: str,
        scopes: Collection[str],
        by: str,
        now_ms: int,
        device: str | None = None,
        user: str | None = None,
        grants_consent: bool = False,
        expires_ms: int | None = None,
    ) -> tuple[Key, str]:
        """Make one; the key, and the text that is shown once. Raises Refused."""
        _check(scopes, expires_ms, now_ms)
        for what, one in (("device", device), ("user", user)):
            if one is not None:
                check_name(what, one)
        made = Key(new_id(), name, frozenset(scopes), device, user, grants_consent, now_ms, expires_ms, None)
        with self._database.writing() as connection:
            text = put(connection, made)
            detail: dict[str, object] = {"name": name, "scopes": sorted(scopes), "device": device, "user": user}
            audit.write(connection, Line(now_ms, by, "key.create", made.id, detail))
        return made, text

    def list(self) -> list[Key]:
        """All, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(key).order_by(key.c.created_ms, key.c.id)).all()
        return [_kept(row).key for row in rows]

    def revoke(self, key_id: str, *, by: str, now_ms: int) -> Key:
        """Take all rights from a key, for good; again is no error. Raises Missing."""
        with self._database.writing() as connection:
            known = key_id.isascii() and key_id.isalnum()
            row = connection.execute(select(key).where(key.c.id == key_id)).one_or_none() if known else None
            if row is None:
                raise Missing(f"there is no key {key_id!r}. See: geofence keys list")
            if row.revoked_ms is None:
                revoke_where(connection, key.c.id == key_id, now_ms)
                audit.write(connection, Line(now_ms, by, "key.revoke", key_id, {"name": row.name}))
            return _kept(connection.execute(select(key).where(key.c.id == key_id)).one()).key

    def since(self, number: int) -> News:
        """The keys that have changed since; 0: all."""
        with self._database.reading() as connection:
            newest = newest_change(connection, "key")
            if newest == number:
                return News([], number)
            asked = select(key).where(key.c.changed > number).order_by(key.c.changed)
            return News([_kept(row) for row in connection.execute(asked).all()], newest)


def put(connection: Connection, made: Key) -> str:
    """Write a new key; the text that is shown once."""
    text, its_hash = new_key(made.id)
    connection.execute(
        insert(key).values(
            id=made.id,
            hash=its_hash,
            name=made.name,
            scopes=" ".join(sorted(made.scopes)),
            device=made.device,
            user=made.user,
            grants_consent=made.grants_consent,
            created_ms=made.created_ms,
            expires_ms=made.expires_ms,
            revoked_ms=None,
            changed=next_change(connection, "key"),
        )
    )
    return text


def revoke_where(connection: Connection, which: object, now_ms: int) -> int:
    """Revoke those that are not yet; how many."""
    done = connection.execute(
        update(key)
        .where(which, key.c.revoked_ms.is_(None))  # type: ignore[arg-type]
        .values(revoked_ms=now_ms, changed=next_change(connection, "key"))
    )
    return int(done.rowcount)


def _check(scopes: Collection[str], expires_ms: int | None, now_ms: int) -> None:
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        found = repr(unknown[0]) if unknown else "none"
        raise Refused(f"scope is {found}; allowed: one or more of {', '.join(SCOPES)}")
    if expires_ms is not None and expires_ms <= now_ms:
        raise Refused(f"expires_ms is {expires_ms}; allowed: later than now ({now_ms})")


def _kept(row: Row[tuple[object, ...]]) -> KeptKey:
    its = row._mapping
    scopes = frozenset(its["scopes"].split())
    made = Key(
        its["id"], its["name"], scopes, its["device"], its["user"], its["grants_consent"], its["created_ms"],
        its["expires_ms"], its["revoked_ms"],
    )  # fmt: skip
    return KeptKey(made, its["hash"])
