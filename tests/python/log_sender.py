"""A program that logs over the network with the standard library's SocketHandler.

    log_sender.py PORT
"""
import logging
import logging.handlers
import sys

log = logging.getLogger("lab")
log.setLevel(logging.DEBUG)
handler = logging.handlers.SocketHandler("127.0.0.1", int(sys.argv[1]))
log.addHandler(handler)
log.info("client %d says %s", 7, "hello")
log.warning("disk %.1f%% full", 93.5, extra={"host": "lab-1"})
try:
    1 / 0
except ZeroDivisionError:
    log.exception("that went wrong")
handler.close()
