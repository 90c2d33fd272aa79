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

webhook = Table(
    "webhook",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("url", Text, nullable=False),
    Column("filters", Text, nullable=False),  # JSON: lists by name
    Column("secret", Text, nullable=False),  # as it is: it signs
    Column("former_secret", Text),  # signs, too, until `former_until_ms`
    Column("former_until_ms", BigInteger),
    Column("state", String(8), nullable=False),  # active, paused, dead
    Column("reason", Text),  # why it is dead
    Column("since_ms", BigInteger, nullable=False),  # in this state
    Column("created_ms", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
)

delivery = Table(  # how far a webhook is: written by whoever has the lease, far more often than `webhook`
    "delivery",
    metadata,
    Column("webhook", String(16), primary_key=True),
    Column("marks", Text, nullable=False),  # JSON: the next offset in each partition
    Column("delivered", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),  # in a row
    Column("failing_since_ms", BigInteger),
    Column("next_try_ms", BigInteger),
    Column("last_ms", BigInteger),
    Column("last_status", Integer),  # None: there was no answer
    Column("last_answer", Text),
    Column("lost", Text),  # JSON: what retention took before it could be delivered, when last so
    Column("holder", String(32)),  # who has the lease; None: nobody
    Column("leased_until_ms", BigInteger, nullable=False),
)
