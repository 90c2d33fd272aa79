"""Layers: versions, blobs, codes, jobs, publications, what workers report."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make their tables."""
    op.create_table(
        "layer",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("tolerance_m", sa.Float, nullable=False),
        sa.Column("accuracy_m", sa.Float, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("next_version", sa.Integer, nullable=False),
        sa.Column("next_code", sa.Integer, nullable=False),
        sa.Column("next_publication", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "version",
        sa.Column("layer", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("base", sa.Integer),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("file", sa.Text),
        sa.Column("size", sa.BigInteger),
        sa.Column("upload", sa.String(64)),
        sa.Column("geometry", sa.String(64)),
        sa.Column("report", sa.String(64)),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text),
        sa.Column("hash", sa.String(64)),
        sa.Column("regions", sa.Integer),
        sa.Column("errors", sa.Integer),
        sa.Column("warnings", sa.Integer),
        sa.Column("notes", sa.Integer),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("checked_ms", sa.BigInteger),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    op.create_index("version_hash", "version", ["hash"])
    op.create_table(
        "blob",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("hash", sa.String(64), unique=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("put_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "blob_piece",
        sa.Column("blob", sa.String(32), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "region_code",
        sa.Column("layer", sa.String(64), primary_key=True),
        sa.Column("region", sa.Text, primary_key=True),
        sa.Column("code", sa.Integer, nullable=False),
    )
    op.create_index("region_code_code", "region_code", ["layer", "code"], unique=True)
    op.create_table(
        "job",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("layer", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger),
        sa.Column("result", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("started_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("holder", sa.Text),
        sa.Column("leased_until_ms", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("deaths", sa.Integer, nullable=False),
    )
    op.create_index("job_state", "job", ["state", "number"])
    op.create_index("job_version", "job", ["layer", "version"])
    op.create_table(
        "publication",
        sa.Column("layer", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("replaces", sa.Integer),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("expect", sa.Integer),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("sent_ms", sa.BigInteger),
        sa.Column("in_force_ms", sa.BigInteger),
        sa.Column("holder", sa.Text),
        sa.Column("leased_until_ms", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    op.create_index("publication_state", "publication", ["state"])
    op.create_table(
        "in_force",
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("layer", sa.String(64), primary_key=True),
        sa.Column("publication", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
        sa.Column("partitions", sa.Text, nullable=False),
        sa.Column("versions", sa.Text, nullable=False),
    )
    op.execute(sa.text("INSERT INTO change (name, number) VALUES ('layer', 0)"))
    op.execute(sa.text("INSERT INTO change (name, number) VALUES ('blob', 0)"))
