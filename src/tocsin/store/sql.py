"""Run SQL text with `:name` parameters on one connection, at the driver's speed."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

Value: TypeAlias = str | int | float | bytes | None
Values: TypeAlias = Mapping[str, Value]
Row: TypeAlias = sa.Row[*tuple[object, ...]]

_NAMED = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


class Sql:
    """One connection, for the repositories; the unit of work begins and commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        # SQLite takes `:name` as it is; psycopg wants %(name)s.
        self._translated: dict[str, str] | None = None if connection.dialect.paramstyle in ("qmark", "named") else {}

    @property
    def dialect(self) -> str:
        """Return the name of the database's kind."""
        return self._connection.dialect.name

    def run(self, text: str, values: Values) -> int:
        """Change rows and return how many."""
        cursor = self._cursor()
        cursor.execute(self._text(text), values)
        count = cursor.rowcount
        cursor.close()
        return count

    def run_many(self, text: str, rows: Sequence[Values]) -> None:
        """Run one statement once a row."""
        if rows:
            cursor = self._cursor()
            cursor.executemany(self._text(text), rows)
            cursor.close()

    def row(self, text: str, values: Values) -> Row | None:
        """Return the first row, or None."""
        return self._connection.exec_driver_sql(self._text(text), dict(values)).first()

    def rows(self, text: str, values: Values) -> Sequence[Row]:
        """Return every row."""
        return self._connection.exec_driver_sql(self._text(text), dict(values)).all()

    def select(self, statement: sa.Executable) -> Sequence[Row]:
        """Run a statement that was put together from parts, and return every row."""
        return self._connection.execute(statement).all()

    def _cursor(self) -> DBAPICursor:
        # The driver's own cursor: what SQLAlchemy adds for results costs more than the statement, and here there are none.
        return self._connection.connection.cursor()

    def _text(self, text: str) -> str:
        if self._translated is None:
            return text
        if text not in self._translated:
            self._translated[text] = _NAMED.sub(r"%(\1)s", text.replace("%", "%%"))
        return self._translated[text]
