"""A right server: a thread for each client, messages read off the stream, and one that leaves disturbs no other."""
import pickle
import socket
import sys
import threading

HOST = "127.0.0.1"
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 12000


def serve(client, address):
    try:
        client.sendall(pickle.dumps({"clientid": address[1]}))
        messages = client.makefile("rb")
        identity = pickle.load(messages)
        print("identity", identity)
        client.sendall(pickle.dumps(1))
        while True:
            print("received", pickle.load(messages))
    except (EOFError, ConnectionError):
        print("a client left")
    except pickle.UnpicklingError:
        print("a client sent no pickle")
    finally:
        client.close()


server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((HOST, PORT))
server.listen(5)
print("listening on port", server.getsockname()[1])
while True:
    client, address = server.accept()
    threading.Thread(target=serve, args=(client, address), daemon=True).start()
