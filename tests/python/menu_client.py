"""A client of the menu assignment: every option in turn, and a chat.

    menu_client.py PORT NAME listens    takes the chat that others send, and leaves
    menu_client.py PORT NAME talks      asks for each option once
"""
import pickle
import socket
import sys

port, name, how = int(sys.argv[1]), sys.argv[2], sys.argv[3]
client = socket.create_connection(("127.0.0.1", port), timeout=25)


def recv():
    data = client.recv(4090)
    if not data:
        return "END"
    return pickle.loads(data)


def ask(request):
    client.send(pickle.dumps(request))
    answer = recv()
    print(request, "->", answer)


print("greeting", sorted(recv()))
client.send(pickle.dumps({"student_name": name}))
menu = recv()
print("menu", menu["options"])
if how == "listens":
    print("chat", recv())
    client.send(pickle.dumps({"option": 6}))
else:
    ask({"option": 1})
    ask({"option": "2"})
    ask({"option": 3})
    client.send(pickle.dumps({"option": 4, "message": "hello all"}))
    ask({"option": 5, "payload": [1, 2]})
    ask({"option": 9})
    client.send(pickle.dumps({"option": 6}))
print("end", recv())
client.close()
