"""Where the machines of one run meet: at the first one's address and port, by torchrun's own environment variables."""

import os
import socket

from alpaca_nb.errors import RecipeError

USUAL_PORT = 29_500  # torchrun's


def endpoint() -> str:
    """host:port, from MASTER_ADDR (else this machine's host name) and MASTER_PORT (else 29500).

    Raises `RecipeError` where MASTER_PORT is not a port.
    """
    host, port = os.environ.get("MASTER_ADDR") or socket.gethostname(), os.environ.get("MASTER_PORT") or str(USUAL_PORT)
    if not (port.isdecimal() and 1 <= int(port) <= 65_535):
        raise RecipeError(f"the environment variable MASTER_PORT is {port!r}; it must be a port, from 1 to 65535")
    return f"{host}:{port}"
