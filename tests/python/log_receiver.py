"""The receiver of log records from the Python documentation, for one connection."""
import logging
import pickle
import socket
import struct
import sys

logging.basicConfig(stream=sys.stdout, format="%(name)s %(levelname)s %(message)s", level=1)
server = socket.socket()
server.settimeout(20)
server.bind(("127.0.0.1", 0))
server.listen(1)
print("PORT", server.getsockname()[1], flush=True)

connection, address = server.accept()
connection.settimeout(20)
while True:
    chunk = connection.recv(4)
    if len(chunk) < 4:
        break
    length = struct.unpack(">L", chunk)[0]
    chunk = connection.recv(length)
    while len(chunk) < length:
        chunk = chunk + connection.recv(length - len(chunk))
    record = logging.makeLogRecord(pickle.loads(chunk))
    logging.getLogger(record.name).handle(record)
connection.close()
