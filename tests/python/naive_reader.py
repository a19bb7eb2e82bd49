"""A student's client that takes one recv for one message.

    naive_reader.py PORT

It connects, receives until the server closes, tries to load each read as if it were a message, and says what became of it.
"""
import pickle
import socket
import sys

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.settimeout(20)
client.connect(("127.0.0.1", int(sys.argv[1])))
while True:
    try:
        read = client.recv(4090)
    except ConnectionResetError:
        print("ConnectionResetError")
        break
    if not read:
        print("b''")
        break
    try:
        print(len(read), "B:", repr(pickle.loads(read)))
    except Exception as problem:
        print(len(read), "B:", type(problem).__name__)
