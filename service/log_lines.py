"""The log of a role, on standard error or in a file: lines to read, or JSON for programs.

For all roles. `GEOFENCE_LOG_LEVEL` and `GEOFENCE_LOG_FORMAT` say how much and in which form. Invariants: each line says
what was done (`action`), and in the course of which request where there is one; what engines say below a warning is
left out.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from service.complaints import note
from service.source import Unusable

_ENGINES = ("stream", "aiokafka")
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_FORMATS = ("text", "json")
_FILE_BYTES, _FILES = 10_000_000, 3
_LEVEL, _FORMAT = "GEOFENCE_LOG_LEVEL", "GEOFENCE_LOG_FORMAT"


def logging_to_stderr(environ: Mapping[str, str] = os.environ) -> AbstractContextManager[None]:
    """The log goes to standard error meanwhile. Raises Unusable."""
    return logging_to(logging.StreamHandler(sys.stderr), environ=environ)


@contextmanager
def logging_to_file(file: Path, environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """The log goes to a file meanwhile, which is begun anew when it is large; errors to standard error too."""
    errors = logging.StreamHandler(sys.stderr)
    errors.setLevel(logging.ERROR)
    lines = _Lines(file, maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8")
    with closing(lines), logging_to(lines, errors, environ=environ):
        yield


@contextmanager
def logging_to(*handlers: logging.Handler, environ: Mapping[str, str]) -> Iterator[None]:
    """The log goes to these meanwhile. Raises Unusable."""
    level, form = level_and_form(environ)
    ours, logs = logging.getLogger("geofence"), [logging.getLogger(name) for name in ("geofence", *_ENGINES)]
    before = ours.level
    ours.setLevel(_LEVELS[level])
    for handler in handlers:
        handler.addFilter(_with_request)
        handler.setFormatter(_Json() if form == "json" else _Text("%(asctime)s %(levelname)s %(message)s"))
        for log in logs:
            log.addHandler(handler)
    try:
        yield
    finally:
        ours.setLevel(before)
        for handler in handlers:
            for log in logs:
                log.removeHandler(handler)


def level_and_form(environ: Mapping[str, str]) -> tuple[str, str]:
    """How much is told, and in which form. Raises Unusable."""
    return _chosen(environ, _LEVEL, "info", tuple(_LEVELS)), _chosen(environ, _FORMAT, "text", _FORMATS)


def _chosen(environ: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = environ.get(name, default).lower()
    if value not in allowed:
        raise Unusable(f"{name} is {environ[name]!r}; allowed: {', '.join(allowed)}")
    return value


def _with_request(record: logging.LogRecord) -> bool:
    """Note in the course of which request a line was written; always true."""
    from web.request_id import REQUEST

    record.request = REQUEST.get()
    return True


class _Lines(RotatingFileHandler):
    """A file of lines; those that a full disk does not take are left out, which is said once."""

    _said = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A line could not be written."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._said:
            self._said = True
            note(f"{self.baseFilename} takes no more lines: {error.strerror}. Make room; those until then are left out")

    def close(self) -> None:
        """Close it, with what it took."""
        with suppress(OSError):
            super().close()


class _Text(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """One line to read."""
        line, request = super().formatMessage(record), getattr(record, "request", "")
        return f"{line} request={request}" if request and " request=" not in line else line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """One object on a line."""
        facts = {name: _plain(value) for name, value in getattr(record, "facts", {}).items()}
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "action": getattr(record, "action", None) or "engine",
            **({"request": request} if (request := getattr(record, "request", "")) else {}),
            **(facts or {"message": record.getMessage()}),
        }
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str) else str(value)
