"""Faults of the connection: a response that does not arrive as it should."""

import socket
import struct
import time
from io import BufferedIOBase

DRIPPED_BYTES = 1
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, no time to send what is left


def hang(connection: socket.socket, seconds: float) -> None:
    """Say nothing until the other side gives up, or for so long."""
    connection.settimeout(seconds)
    try:
        while connection.recv(1 << 12):
            pass
    except OSError:
        return


def reset(connection: socket.socket) -> None:
    """End the connection so that the other side sees it torn (RST instead of FIN)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
    connection.close()


def drip(file: BufferedIOBase, body: bytes, seconds: float) -> None:
    """Send one byte after the other, with a pause before each; raises OSError when the other side has gone."""
    file.flush()
    for place in range(0, len(body), DRIPPED_BYTES):
        time.sleep(seconds)
        file.write(body[place : place + DRIPPED_BYTES])
        file.flush()
