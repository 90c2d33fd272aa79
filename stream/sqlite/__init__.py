"""The embedded engine: the log in one SQLite file, owned by one process. `open_log` opens it."""

from stream.sqlite.layout import FORMAT, open_reader
from stream.sqlite.leaping import leap
from stream.sqlite.log import SqliteLog
from stream.sqlite.opening import open_log
from stream.sqlite.retention import Overdue
from stream.sqlite.settings import Settings

__all__ = ["FORMAT", "Overdue", "Settings", "SqliteLog", "leap", "open_log", "open_reader"]
