"""The process that has one of the two instances: `python -m workers.conformance.serve KIND DESCRIPTOR`.

Reads calls from a socket and answers them, until the socket is closed. What the adapter prints goes where the starter
has sent stdout and stderr; the trace of a crash, too (faulthandler).
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import socket
import sys

from tasks.exit_codes import DONE
from workers.conformance.computes import Computes
from workers.conformance.failure import CallFailed
from workers.conformance.looks import Looks
from workers.wire.frames import FrameLink
from workers.wire.socket_end import LinkClosed

READY = True, "ready"
KINDS: dict[str, type[Computes] | type[Looks]] = {"computes": Computes, "looks": Looks}


def main() -> None:
    """Answer calls; ends the process."""
    faulthandler.enable()
    kind, descriptor = sys.argv[1:]
    link = FrameLink(socket.socket(fileno=int(descriptor)))
    with contextlib.suppress(LinkClosed):
        serve(link, KINDS[kind])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(DONE)  # threads of the adapter do not hold it


def serve(link: FrameLink, kind: type[Computes] | type[Looks]) -> None:
    """Answer calls until `LinkClosed` is raised. Before them come the table and the device, which are answered too."""
    made = kind(*link.receive())
    link.send(READY)
    while True:
        method, arguments = link.receive()
        try:
            answer = True, getattr(made, method)(*arguments)
        except CallFailed as exc:
            answer = False, exc.failure
        sys.stdout.flush()
        link.send(answer)


if __name__ == "__main__":
    main()
