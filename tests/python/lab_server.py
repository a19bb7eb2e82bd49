"""The lab's server for one client: its port as id, an answer to its identity, two messages at once, an echo, and the end.

    lab_server.py
"""
import pickle
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.settimeout(20)
server.bind(("127.0.0.1", 0))
server.listen(5)
print("PORT", server.getsockname()[1], flush=True)

client, address = server.accept()
client.settimeout(20)
client.sendall(pickle.dumps({"clientid": address[1]}))
identity = pickle.loads(client.recv(4096))
print("got", identity, flush=True)
client.sendall(pickle.dumps({"message": "welcome, " + identity["name"], "bytes": b"\x00\xff", "none": None}))
client.sendall(pickle.dumps([1.0, (2,), {3}]) + pickle.dumps("# not a comment"))
said = pickle.loads(client.recv(4096))
client.sendall(pickle.dumps(said))
client.close()
