"""The catalog's tables, as the newest migration leaves them.

Times are Unix milliseconds. Invariants: no secret is stored, only its hash (webhooks' signing secrets apart, which both
sides need); `changed` grows with every change of a row, over all rows of a table, in the order of the commits.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()

_ROW_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only if they are INTEGER

change = Table(
    "change",
    metadata,
    Column("name", String(32), primary_key=True),  # of a table
    Column("number", BigInteger, nullable=False),  # the newest `changed` in it
)

key = Table(
    "key",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("hash", LargeBinary, nullable=False),  # SHA-256 of the secret, which has 160 random bits
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # by spaces
    Column("device", Text),  # None: of no device in particular
    Column("user", Text),
    Column("grants_consent", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    Column("changed", BigInteger, nullable=False),
    Index("key_changed", "changed"),
    Index("key_device", "device"),
)

device = Table(
    "device",
    metadata,
    Column("device", Text, primary_key=True),
    Column("user", Text),
    Column("grants_consent", Boolean, nullable=False),
    Column("added_ms", BigInteger, nullable=False),
)

enrolment = Table(
    "enrolment",
    metadata,
    Column("hash", LargeBinary, primary_key=True),  # of the one-time code
    Column("device", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),
    Index("enrolment_device", "device"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),  # a key's id, or who ran a command
    Column("action", String(64), nullable=False),
    Column("target", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON, without secrets and places
    Index("audit_at_ms", "at_ms"),
)
