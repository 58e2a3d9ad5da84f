"""Where the log goes: stderr, as JSON lines when nobody watches."""

import logging
import sys
from collections.abc import MutableMapping

import structlog

from tocsin.cli.say import shown
from tocsin.core.errors import Invalid

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logging(level: str) -> None:
    """Send the log to stderr; raises Invalid for a level that does not exist."""
    number = LEVELS.get(level)
    if number is None:
        raise Invalid(f"There is no log level '{level}'.", hint=f"Levels: {', '.join(LEVELS)}.")
    pretty = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([_harmless] if pretty else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(stream=sys.stderr, level=max(number, logging.WARNING), format="%(levelname)s %(name)s %(message)s")


def _harmless(_logger: object, _method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """Name the control characters of what others wrote, before a terminal sees them."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = shown(value)
    return event
