"""The courier's starter, a process of its own: `python -I -S starter.py SOCKET COMMAND...`.

It is started before the core's fence goes up, since whatever the core starts behind it cannot reach the
internet. It has no key, knows nothing of alerts, and starts one command alone: the one it was given. Messages
are packets on the socket SOCKET, a descriptor:

    core: start, with two descriptors    it: started PID     the command has them as its input and output
                                         it: failed ERRNO
    core: buried PID                                         its number may be somebody else's from now on

It ends with the core, whose end closes the socket; what it has started goes on. A script of the standard
library alone: a process that only waits should hold little memory.
"""

from __future__ import annotations

import array
import os
import signal
import socket
import sys
from collections.abc import Sequence


def serve(core: socket.socket, command: Sequence[str]) -> None:
    """Start the command as often as the core says, until the core is gone."""
    size = array.array("i").itemsize
    while True:
        said, more, _, _ = core.recvmsg(64, socket.CMSG_SPACE(2 * size), socket.MSG_CMSG_CLOEXEC)
        word, _, number = said.partition(b" ")
        if word == b"buried":
            os.waitpid(int(number), 0)
        elif word == b"start":
            given = array.array("i", b"".join(data for _, _, data in more))
            core.send(_started(command, *given))
            for descriptor in given:
                os.close(descriptor)
        else:
            return


def _started(command: Sequence[str], given: int, taken: int) -> bytes:
    """Start the command with this input and output, in a session of its own."""
    try:
        number = os.posix_spawn(
            command[0],
            list(command),
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, given, 0), (os.POSIX_SPAWN_DUP2, taken, 1)],
            setsid=True,
            setsigdef=[signal.SIGINT, signal.SIGTERM],
        )
    except OSError as error:
        return b"failed %d" % (error.errno or 0)
    return b"started %d" % number


if __name__ == "__main__":
    for told in (signal.SIGINT, signal.SIGTERM):  # the core says when; a service manager tells all
        signal.signal(told, signal.SIG_IGN)
    core = socket.socket(fileno=int(sys.argv[1]))
    core.set_inheritable(False)
    try:
        serve(core, sys.argv[2:])
    except ConnectionError:
        sys.exit(0)
