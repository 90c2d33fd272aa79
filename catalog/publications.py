"""Publications: which version of a layer is to be in force, and what became of that.

The side of administrators, who plan and cancel; `publishing` carries on what they have planned. Invariants: each names
the version that it replaces, so that of two administrators who publish at once one is told; of a layer one at a time is
on its way, so that they are sent in the order of their numbers; every act leaves a line in the audit.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select, update

from catalog import audit
from catalog.audit import Line
from catalog.database import Database
from catalog.errors import Conflict, Refused
from catalog.layer import one_layer, touch
from catalog.layer_tables import in_force, layer, publication
from catalog.publication import (
    CANCELLABLE,
    CANCELLED,
    FAILED,
    IN_FORCE,
    PLANNED,
    PREPARING,
    SENDING,
    SENT,
    UNSENT,
    Publication,
    newest_publication,
    one_publication,
    publication_of,
)
from catalog.version import one_version
from catalog.versions import check_comment


class Publications:
    """The publications of all layers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def plan(
        self,
        layer_name: str,
        number: int,
        *,
        replaces: int | None,
        comment: str = "",
        expect: int | None = None,
        at_ms: int | None = None,
        overtake: bool = False,
        by: str,
        now_ms: int,
    ) -> Publication:
        """Have a version published, now or at a time; publishing an old one again takes the newer ones back.

        `overtake`: also while the one before was sent and is not in force on every partition yet. Raises Missing,
        Refused, and Conflict where `replaces` is not what was published last, the version can't be published, or
        another publication of the layer is on its way.
        """
        check_comment(comment)
        if expect is not None and expect < 0:
            raise Refused(f"expect is {expect}; allowed: 0 or more devices")
        with self._database.writing() as connection:
            revision = touch(connection, layer_name)
            its_hash = _publishable(connection, layer_name, number)
            _check_place(connection, layer_name, number, replaces=replaces, overtake=overtake)
            made = _next_number(connection, layer_name)
            start_ms = max(now_ms, now_ms if at_ms is None else at_ms)
            connection.execute(
                insert(publication).values(
                    layer=layer_name, number=made, version=number, hash=its_hash, replaces=replaces, by=by,
                    comment=comment, expect=expect, at_ms=start_ms, state=PLANNED, created_ms=now_ms,
                    leased_until_ms=0, attempt=0, revision=revision,
                )
            )  # fmt: skip
            planned = one_publication(connection, layer_name, made)
            detail: dict[str, object] = {
                "version": number,
                "replaces": replaces,
                "comment": comment,
                "expect": expect,
                "at_ms": start_ms,
            }
            audit.write(connection, Line(now_ms, by, "publication.plan", planned.target, detail))
            return planned

    def cancel(self, layer_name: str, number: int, *, by: str, now_ms: int) -> Publication:
        """Don't publish it. Raises Missing, and Conflict where it may be in the log already, or is over."""
        with self._database.writing() as connection:
            revision = touch(connection, layer_name)
            its = update(publication).where(
                publication.c.layer == layer_name,
                publication.c.number == number,
                publication.c.state.in_(CANCELLABLE),
            )
            done = connection.execute(
                its.values(state=CANCELLED, holder=None, leased_until_ms=0, revision=revision)
            ).rowcount
            found = one_publication(connection, layer_name, number)
            if not done:
                raise Conflict(_too_late(found))
            audit.write(connection, Line(now_ms, by, "publication.cancel", found.target, {"version": found.version}))
            return found

    def get(self, layer_name: str, number: int) -> Publication:
        """One. Raises Missing."""
        with self._database.reading() as connection:
            one_layer(connection, layer_name)
            return one_publication(connection, layer_name, number)

    def last(self, layer_name: str) -> Publication | None:
        """The newest that was neither cancelled nor failed: what the next one replaces. Raises Missing."""
        with self._database.reading() as connection:
            one_layer(connection, layer_name)
            return newest_publication(connection, layer_name, CANCELLED, FAILED)

    def newest_sent(self) -> dict[str, Publication]:
        """Of each layer the newest that was sent: what has to be in force. Layers without one are left out."""
        sent = publication.c.state.in_((SENT, IN_FORCE))
        newest = select(publication.c.layer, func.max(publication.c.number).label("number")).where(sent)
        of = newest.group_by(publication.c.layer).subquery()
        asked = select(publication).join(
            of, (of.c.layer == publication.c.layer) & (of.c.number == publication.c.number)
        )  # fmt: skip
        with self._database.reading() as connection:
            rows = connection.execute(asked.order_by(publication.c.layer)).all()
        return {one.layer: one for one in map(publication_of, rows)}

    def wanted(self) -> list[Publication]:
        """Those whose versions workers need: of each layer the newest that was sent, and what is on its way."""
        coming = select(publication).where(publication.c.state.in_((PREPARING, SENDING)))
        with self._database.reading() as connection:
            rows = connection.execute(coming).all()
        return [*self.newest_sent().values(), *map(publication_of, rows)]

    def due(self, *, now_ms: int) -> list[Publication]:
        """Those whose time has come and that are not in force on every partition yet, the oldest first."""
        its = publication.c
        asked = select(publication).where(its.state.in_((*UNSENT, SENT)), its.at_ms <= now_ms)
        with self._database.reading() as connection:
            rows = connection.execute(asked.order_by(its.at_ms, its.layer, its.number)).all()
        return [publication_of(row) for row in rows]

    def sent_hashes(self) -> set[str]:
        """The hashes of all versions that were ever written to the log, or may have been."""
        asked = select(publication.c.hash).where(publication.c.state.in_((SENDING, SENT, IN_FORCE))).distinct()
        with self._database.reading() as connection:
            return set(connection.execute(asked).scalars())

    def list(self, layer_name: str) -> list[Publication]:
        """Those of a layer, the newest first. Raises Missing."""
        asked = select(publication).where(publication.c.layer == layer_name).order_by(publication.c.number.desc())
        with self._database.reading() as connection:
            one_layer(connection, layer_name)
            return [publication_of(row) for row in connection.execute(asked).all()]


def _named(found: Publication) -> str:
    return f"publication {found.number} of layer {found.layer!r} (version {found.version}, by {found.by})"


def _too_late(found: Publication) -> str:
    """Why it can't be cancelled, and what to do."""
    why = f"{_named(found)} is {found.state}: only one that is planned or preparing can be cancelled."
    if found.state in (CANCELLED, FAILED):
        return why
    before = "a version without regions" if found.replaces is None else f"version {found.replaces} again"
    return f"{why} To take it back, publish {before}."


def _next_number(connection: Connection, layer_name: str) -> int:
    """Above those given, and those that partitions have obeyed: a catalog from a backup may have forgotten some."""
    obeyed = connection.execute(select(func.max(in_force.c.publication)).where(in_force.c.layer == layer_name)).scalar()
    its = select(layer.c.next_publication).where(layer.c.name == layer_name)
    number = max(int(connection.execute(its).scalar_one()), (obeyed or 0) + 1)
    connection.execute(update(layer).where(layer.c.name == layer_name).values(next_publication=number + 1))
    return number


def _publishable(connection: Connection, layer_name: str, number: int) -> str:
    """The hash of a version that can be published. Raises Missing and Conflict."""
    found = one_version(connection, layer_name, number)
    named = f"version {number} of layer {layer_name!r}"
    if found.counts is None:
        raise Conflict(f"{named} is {found.state}: it has to be checked before it can be published.")
    if found.counts.errors:
        many = found.counts.errors
        raise Conflict(f"{named} has {many} error{'s' * (many > 1)}: see its report, and upload it corrected.")
    if found.hash is None:
        raise Conflict(f"{named} has no manifest: check it again.")
    return found.hash


def _check_place(connection: Connection, layer_name: str, number: int, *, replaces: int | None, overtake: bool) -> None:
    """Raise Conflict unless a publication can follow the newest one."""
    last = newest_publication(connection, layer_name, CANCELLED, FAILED)
    found = None if last is None else last.version
    if found != replaces:
        said = "no version" if replaces is None else f"version {replaces}"
        is_so = "nothing was published yet" if last is None else f"{_named(last)} came meanwhile, and is {last.state}"
        raise Conflict(
            f"you replace {said} of layer {layer_name!r}, but {is_so}. "
            f"Look at what is new against that, and publish with replaces {found if found is not None else 'null'}."
        )
    if last is None:
        return
    if last.state in UNSENT:
        cancel = ", or cancel it" if last.state in CANCELLABLE else ""
        raise Conflict(f"{_named(last)} is {last.state}. Wait until it is in force{cancel}.")
    if last.state == SENT and not overtake:
        raise Conflict(
            f"{_named(last)} was sent and is not in force on every partition yet. Wait for it, or say overtake."
        )
    if last.version == number:
        raise Conflict(f"version {number} of layer {layer_name!r} is the published one already ({_named(last)}).")
