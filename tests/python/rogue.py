"""Programs that a grader must survive.

    rogue.py fork     starts a process that starts another, each for ever, and goes on itself
    rogue.py orphan   the same, but ends at once and leaves them
    rogue.py daemon   the same, in a session of their own: they have left the process group
    rogue.py ignore   ignores SIGTERM, SIGINT and SIGHUP
    rogue.py flood    writes 1 GB
    rogue.py line     writes one line of 1 GB
    rogue.py read     reads its input for ever
    rogue.py exit     ends at once

Each says `pids N N ...`, the processes that must be gone afterwards.
"""
import os
import signal
import sys
import time


def for_ever():
    while True:
        time.sleep(1)


def fork_twice(apart):
    """A child and its child, which go on for ever; gives their numbers."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        if apart:
            os.setsid()
        grandchild = os.fork()
        if grandchild:
            os.write(writer, b"%d %d" % (os.getpid(), grandchild))
        for_ever()
    return os.read(reader, 100).decode()


how = sys.argv[1]
pids = str(os.getpid())
if how in ("fork", "orphan", "daemon"):
    pids += " " + fork_twice(how == "daemon")
if how == "ignore":
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
print("pids", pids, flush=True)

if how in ("fork", "ignore"):
    for_ever()
elif how == "flood":
    for _ in range(1 << 20):
        os.write(1, b"x" * 1023 + b"\n")
elif how == "line":
    for _ in range(1 << 10):
        os.write(1, b"x" * (1 << 20))
elif how == "read":
    while sys.stdin.readline():
        pass
