"""The offline teacher's server in a thread of the test's own process, so that a test can look into it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from alpaca_nb.offline_teacher.api import Teacher
from alpaca_nb.offline_teacher.server import TeacherServer


@contextmanager
def served_teacher(teacher: Teacher) -> Iterator[str]:
    """Serve `teacher` on a free port of loopback while the context lasts; yields the base URL."""
    with TeacherServer("127.0.0.1", 0, teacher) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server.url
        finally:
            server.shutdown()
