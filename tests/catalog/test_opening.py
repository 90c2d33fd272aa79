"""Opening and upgrading: only the schema that the program knows will do, and every refusal says what to do."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from catalog import Outdated, Refused, Unreachable, open_catalog, upgrade
from catalog.database import Database
from catalog.tables import metadata


def test_an_empty_catalog_is_refused_until_it_is_upgraded(url: str) -> None:
    with pytest.raises(Outdated, match=r"is empty\. Run: geofence catalog upgrade"), open_catalog(url):
        pass
    assert "it was empty" in upgrade(url)
    assert "is up to date" in upgrade(url)
    with open_catalog(url) as catalog:
        assert catalog.keys.list() == []


def test_the_migrations_make_the_tables_that_the_program_knows(url: str) -> None:
    upgrade(url)
    database = Database(url)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_a_catalog_of_a_newer_program_is_left_alone(url: str) -> None:
    upgrade(url)
    database = Database(url)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    for attempt in (lambda: upgrade(url), lambda: open_catalog(url).__enter__()):
        with pytest.raises(Outdated, match="at 9999, which this program does not know"):
            attempt()


@pytest.mark.parametrize("url", ["", "mysql://a:secret@b/c", "sqlite:", "postgresql://a:secret@b", "catalog.db"])
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Refused, match="allowed: sqlite:PATH") as refused, open_catalog(url):
        pass
    assert "secret" not in str(refused.value)


def test_a_database_that_does_not_answer_is_told_without_its_password() -> None:
    with pytest.raises(Unreachable) as refused, open_catalog("postgresql://somebody:secret@127.0.0.1:9/catalog"):
        pass
    assert "127.0.0.1" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(Unreachable, match="file is not a database"), open_catalog(f"sqlite:{path}"):
        pass


def test_a_file_that_is_made_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalog" / "catalog.db"
    upgrade(f"sqlite:{path}")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_it_says_of_a_database_has_no_password_and_stands_on_one_line() -> None:
    for url in ("postgresql://me:hush@127.0.0.1:1/x", "postgresql://me@127.0.0.1:1/x?password=hush"):
        with pytest.raises(Unreachable, match=r"^catalog postgresql://me(:\*\*\*)?@127\.0\.0\.1:1/x: ") as refused:
            upgrade(url)
        assert "hush" not in str(refused.value)
        assert "\n" not in str(refused.value)
    with pytest.raises(Refused, match="an @ in the password as %40") as refused_at_once:
        upgrade("postgresql://me:hush/@hush@127.0.0.1:1/x")
    assert "hush" not in str(refused_at_once.value)
