"""What the worker and its hands log: an object of JSON a line, so that programs can read it, and people too."""

import json
import logging
import time
from typing import Any


class Lines(logging.Formatter):
    """Formats an event as {time, level, pid, by, run, message, traceback}; the last three where they are known.

    `time` is in UTC, `pid` the process's, `by` the logger's name, `run` the id that the caller gave as
    `extra={"run": …}`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        event: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "pid": record.process,
            "by": record.name,
        }
        if (run := getattr(record, "run", None)) is not None:
            event["run"] = run
        event["message"] = record.getMessage()
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=False)


def log_in_lines() -> None:
    """Let this process log so, to its stderr; what libraries warn of, too."""
    handler = logging.StreamHandler()
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(True)


def readable(text: str) -> str:
    """Return logged lines for people: time, level, process and message; what is no such line is left as it is."""
    return "\n".join(map(_readable, text.splitlines()))


def _readable(line: str) -> str:
    try:
        event = json.loads(line)
        words = (
            f"{event['time'][:19].replace('T', ' ')}  {event['level']:7}  {event['pid']}  {event['message'].rstrip()}"
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return line
    return f"{words}\n{event['traceback']}" if event.get("traceback") else words
