"""Webhooks, and how far each is."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make their tables."""
    op.create_table(
        "webhook",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("filters", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("former_secret", sa.Text),
        sa.Column("former_until_ms", sa.BigInteger),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "delivery",
        sa.Column("webhook", sa.String(16), primary_key=True),
        sa.Column("marks", sa.Text, nullable=False),
        sa.Column("delivered", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since_ms", sa.BigInteger),
        sa.Column("next_try_ms", sa.BigInteger),
        sa.Column("last_ms", sa.BigInteger),
        sa.Column("last_status", sa.Integer),
        sa.Column("last_answer", sa.Text),
        sa.Column("lost", sa.Text),
        sa.Column("holder", sa.String(32)),
        sa.Column("leased_until_ms", sa.BigInteger, nullable=False),
    )
    op.execute(sa.text("INSERT INTO change (name, number) VALUES ('webhook', 0)"))
