"""The tables of layers: their versions, blobs, codes, jobs, publications, and what workers report.

As the newest migration leaves them, in the metadata of `tables`. A `revision` is the number of the change that wrote
the row last, over all layers; it grows with each change.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, String, Table, Text

from catalog.tables import metadata

layer = Table(
    "layer",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("tolerance_m", Float, nullable=False),
    Column("accuracy_m", Float, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("next_version", Integer, nullable=False),
    Column("next_code", Integer, nullable=False),
    Column("next_publication", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
)

version = Table(
    "version",
    metadata,
    Column("layer", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("base", Integer),  # the version that it was made from
    Column("settings", Text, nullable=False),  # JSON
    Column("file", Text),  # as it was named; None: made from its base alone
    Column("size", BigInteger),
    Column("upload", String(64)),  # a blob, as the next two
    Column("geometry", String(64)),
    Column("report", String(64)),
    Column("options", Text, nullable=False),  # JSON
    Column("manifest", Text),  # JSON; set once, with the next
    Column("hash", String(64)),
    Column("regions", Integer),  # None: not checked yet, as the next three
    Column("errors", Integer),
    Column("warnings", Integer),
    Column("notes", Integer),
    Column("comment", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("checked_ms", BigInteger),
    Column("revision", BigInteger, nullable=False),
    Index("version_hash", "hash"),
)

blob = Table(
    "blob",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("hash", String(64), unique=True),  # SHA-256 in hex; None: still being written
    Column("size", BigInteger, nullable=False),
    Column("put_ms", BigInteger, nullable=False),  # last
)

blob_piece = Table(
    "blob_piece",
    metadata,
    Column("blob", String(32), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

region_code = Table(
    "region_code",
    metadata,
    Column("layer", String(64), primary_key=True),
    Column("region", Text, primary_key=True),
    Column("code", Integer, nullable=False),
    Index("region_code_code", "layer", "code", unique=True),
)

job = Table(
    "job",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("number", BigInteger, nullable=False),  # the order in which they were made
    Column("kind", String(32), nullable=False),
    Column("layer", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("asked", Text, nullable=False),  # JSON
    Column("state", String(16), nullable=False),
    Column("stage", Text, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("result", Text),  # JSON
    Column("reason", Text),
    Column("by", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("started_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("holder", Text),  # who has the lease
    Column("leased_until_ms", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),  # grows with each taking: what a holder of before doesn't know
    Column("deaths", Integer, nullable=False),  # leases that ran out
    Index("job_state", "state", "number"),
    Index("job_version", "layer", "version"),
)

publication = Table(
    "publication",
    metadata,
    Column("layer", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("hash", String(64), nullable=False),  # of the version
    Column("replaces", Integer),  # a version; None: there was none before
    Column("by", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("expect", Integer),  # devices that get another region, as the admin has been told
    Column("at_ms", BigInteger, nullable=False),  # not before
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("created_ms", BigInteger, nullable=False),
    Column("sent_ms", BigInteger),
    Column("in_force_ms", BigInteger),
    Column("holder", Text),  # who has the lease
    Column("leased_until_ms", BigInteger, nullable=False),  # without a holder: nobody takes it before
    Column("attempt", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Index("publication_state", "state"),
)

in_force = Table(
    "in_force",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("layer", String(64), primary_key=True),
    Column("publication", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("worker", Text, nullable=False),
)

worker = Table(
    "worker",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Column("partitions", Text, nullable=False),  # JSON
    Column("versions", Text, nullable=False),  # JSON: by hash
)
