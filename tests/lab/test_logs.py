"""The worker's log is an object of JSON a line, and is shown as lines that people read."""

import json
import logging
import os

from bcl_core.lab.launch import worker_log
from bcl_core.lab.logs import Lines, readable


def line(message, *args, error=None, **extra):
    info = (type(error), error, None) if error else None
    record = logging.LogRecord("bcl_core.worker", logging.WARNING, __file__, 1, message, args, info)
    record.__dict__.update(extra)
    return Lines().format(record)


def test_an_event_is_one_line_with_its_run_and_process_whatever_its_message():
    written = line("run %s failed:\nthe disk is full", "a-run", run="a-run", error=ValueError("1\n2"))
    assert "\n" not in written
    event = json.loads(written)
    assert (event["level"], event["pid"], event["run"]) == ("WARNING", os.getpid(), "a-run")
    assert event["message"] == "run a-run failed:\nthe disk is full" and event["traceback"] == "ValueError: 1\n2"
    assert "run" not in json.loads(line("hello"))


def test_people_read_time_level_process_and_message_and_what_is_no_event_as_it_is():
    text = readable("\n".join([line("hello"), "Segmentation fault", "{}", "17", line("no", error=ValueError("why"))]))
    first, *others = text.splitlines()
    assert first.endswith(f"WARNING  {os.getpid()}  hello") and first[:2] == "20" and first[10] == " "
    assert others[:3] == ["Segmentation fault", "{}", "17"] and others[-1] == "ValueError: why"


def test_the_end_of_a_long_log_begins_with_a_whole_line(lab):
    (lab.home / "worker.log").write_text("".join(line("number %s", i) + "\n" for i in range(1000)))
    shown = worker_log(lab, 2000).splitlines()
    assert all(str(row)[:2] == "20" for row in shown) and shown[-1].endswith("number 999")
