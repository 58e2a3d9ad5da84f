"""${message}."""

import sqlalchemy as sa
from alembic import op

from tocsin.core.errors import Unsupported

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Refuse: a newer schema is left by restoring a backup."""
    raise Unsupported("A newer schema cannot be taken back.", hint="Restore a backup of before the upgrade.")
