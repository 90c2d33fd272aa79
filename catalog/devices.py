"""Devices that were enrolled, and the one-time codes by which a phone gets its key.

Invariants: a code gives one key, once; of a device's codes the newest alone is good; a device that is removed has no
valid key left.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from catalog import audit
from catalog.audit import Line
from catalog.database import Database
from catalog.errors import Missing
from catalog.keys import Key, put, revoke_where
from catalog.names import check_name
from catalog.secret import code_hash, new_code, new_id
from catalog.tables import device, enrolment, key

DEVICE_SCOPES = frozenset({"pings:write"})
CODE_LIFE_MS = 24 * 3_600_000
_NO_CODE = "the code is wrong, was used before, or is older than a day. Ask for a new one."


@dataclass(frozen=True, slots=True)
class Device:
    """One enrolled device."""

    device: str
    user: str | None
    grants_consent: bool  # whether enrolling it records its consent
    added_ms: int


class Devices:
    """All enrolled devices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, *, user: str | None, grants_consent: bool, by: str, now_ms: int) -> str:
        """Enrol a device, or one again that lost its key; a code, good once and for a day. Raises Refused."""
        check_name("device", name)
        if user is not None:
            check_name("user", user)
        code, its_hash = new_code()
        with self._database.writing() as connection:
            connection.execute(delete(device).where(device.c.device == name))
            unused = (enrolment.c.device == name, enrolment.c.used_ms.is_(None))
            connection.execute(delete(enrolment).where(*unused))
            its = {"user": user, "grants_consent": grants_consent}
            connection.execute(insert(device).values(device=name, added_ms=now_ms, **its))
            connection.execute(
                insert(enrolment).values(hash=its_hash, device=name, made_ms=now_ms, expires_ms=now_ms + CODE_LIFE_MS)
            )
            audit.write(connection, Line(now_ms, by, "device.add", name, {**its}))
        return code

    def peek(self, code: str, *, now_ms: int) -> Device:
        """The device that a code is for; the code stays as good as it is. Raises Missing as `redeem` does."""
        good = (
            enrolment.c.hash == code_hash(code),
            enrolment.c.used_ms.is_(None),
            enrolment.c.expires_ms > now_ms,
        )
        with self._database.reading() as connection:
            found = connection.execute(
                select(device).join(enrolment, enrolment.c.device == device.c.device).where(*good)
            ).one_or_none()
        if found is None:
            raise Missing(_NO_CODE)
        return Device(found.device, found.user, found.grants_consent, found.added_ms)

    def redeem(self, code: str, *, now_ms: int) -> tuple[Key, str]:
        """Exchange a code for the device's key and its text. Raises Missing if it is wrong, used or too old."""
        its_hash = code_hash(code)
        with self._database.writing() as connection:
            used = connection.execute(
                update(enrolment)
                .where(enrolment.c.hash == its_hash, enrolment.c.used_ms.is_(None), enrolment.c.expires_ms > now_ms)
                .values(used_ms=now_ms)
                .returning(enrolment.c.device)
            ).scalar_one_or_none()
            found = None
            if used is not None:
                found = connection.execute(select(device).where(device.c.device == used)).one_or_none()
            if found is None:
                raise Missing(_NO_CODE)
            made = Key(
                new_id(),
                found.device,
                DEVICE_SCOPES,
                found.device,
                found.user,
                found.grants_consent,
                now_ms,
                None,
                None,
            )
            text = put(connection, made)
            audit.write(connection, Line(now_ms, f"device {used}", "device.enrol", made.id, {"device": used}))
        return made, text

    def list(self) -> list[Device]:
        """All, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(device).order_by(device.c.device)).all()
        return [Device(row.device, row.user, row.grants_consent, row.added_ms) for row in rows]

    def remove(self, name: str, *, by: str, now_ms: int) -> int:
        """Forget a device: its row, its codes; its keys are revoked. How many keys that were."""
        with self._database.writing() as connection:
            connection.execute(delete(device).where(device.c.device == name))
            connection.execute(delete(enrolment).where(enrolment.c.device == name))
            revoked = revoke_where(connection, key.c.device == name, now_ms)
            audit.write(connection, Line(now_ms, by, "device.remove", name, {"keys": revoked}))
        return revoked
