"""The hand-out's client: takes its id, sends who it is, then listens until the server says None or leaves.

    handout_client.py PORT
"""
import pickle
import socket
import sys

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.settimeout(20)
client.connect(("127.0.0.1", int(sys.argv[1])))

serialized = client.recv(4090)
data = pickle.loads(serialized)
client_id = data["clientid"]
print("my id is", client_id)

client.send(pickle.dumps({"student_name": "Ada", "github_username": "ada", "sid": 900000001}))

while True:
    serialized = client.recv(4090)
    if not serialized:
        print("the server left")
        break
    data = pickle.loads(serialized)
    if data is None:
        print("the server said None")
        break
    print("got", repr(data))
client.close()
