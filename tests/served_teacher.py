"""The offline teacher's server in a thread of the test's own process, so that a test can look into it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from alpaca_nb.offline_teacher.api import Teacher
from alpaca_nb.offline_teacher.fault_plan import FaultPlan, Rule
from alpaca_nb.offline_teacher.server import TeacherServer
from alpaca_nb.offline_teacher.text_endpoint import TextEndpoint

SEED = 5


@contextmanager
def served_teacher(what: Teacher | TextEndpoint | None = None) -> Iterator[str]:
    """Serve a teacher, or what writes for one, on a free port of loopback; yields the base URL."""
    teacher = what if isinstance(what, Teacher) else Teacher(what or TextEndpoint(SEED))
    with TeacherServer("127.0.0.1", 0, teacher) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server.url
        finally:
            server.shutdown()


def endpoint_with(*rules: Rule, fault_seed: int = SEED) -> TextEndpoint:
    """What writes, with faults."""
    return TextEndpoint(SEED, FaultPlan(rules, fault_seed))
