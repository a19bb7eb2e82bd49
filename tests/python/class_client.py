"""Students' programs for the class server, written as students write them: one recv is one message.

    class_client.py HOW PORT SID [MORE]

SID is the student id to send (the name, where there is no id). Each prints what it got and ends by itself when the
server says None or closes.
"""
import datetime
import pickle
import socket
import sys

how, port, sid = sys.argv[1], int(sys.argv[2]), sys.argv[3]
more = sys.argv[4:]


class Student:
    def __init__(self, **fields):
        self.__dict__.update(fields)


def identity():
    number = int(sid) if sid.isdigit() else sid
    usual = {"student_name": "Ada Lovelace", "github_username": "ada", "sid": number}
    now = datetime.datetime(2026, 11, 23, 10, 0, 0)
    if how == "sid-str":
        return {"sid": "SID: " + sid, "student_name": "Ada Lovelace", "github_username": "ada"}
    if how == "handout":
        return {"name": "Ada Lovelace", "email": sid + "@example.edu"}
    if how == "bare-str":
        return sid
    if how == "key":  # MORE is the spelling
        return {more[0]: sid}
    if how == "with-id":  # MORE is the spelling
        return {"client_name": sid, more[0]: 51234}
    if how == "datetime":
        return {"client_name": sid, "sent_on": now, "password": "hunter2"}
    if how == "headers":  # MORE is the option
        return {"payload": None, "headers": {"option": eval(more[0]), "username": sid}}
    if how == "menu-option":
        return {"msg": "hi", "timestamp": now, "menu_option": 1, "username": sid}
    if how == "instance":
        return Student(name="Ada Lovelace", student_id=sid)
    if how == "int-keys":
        return {1: "one", 2: "two", "name": sid}
    return usual


def show(data):
    got = pickle.loads(data)
    print("got", repr(got))
    return got


def listen(client):
    while True:
        data = client.recv(4090)
        if not data:
            print("the server closed")
            break
        got = show(data)
        if got is None:
            break
        if how == "echo":
            client.send(data)


client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.settimeout(25)
client.connect(("127.0.0.1", port))
protocol = int(more[0]) if how == "protocol" else pickle.DEFAULT_PROTOCOL
message = pickle.dumps(identity(), protocol)
if how == "leave":
    pass
elif how == "first":
    client.send(message)
    greeting = show(client.recv(4090))
    assert isinstance(greeting["clientid"], int), greeting
    ack = show(client.recv(4090))
    assert ack == 1, ack
elif how == "first-and-listen":
    client.send(message)
    listen(client)
else:
    greeting = show(client.recv(4090))
    assert greeting["clientid"] == greeting["client_id"], greeting
    if how == "one-byte":
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n in range(len(message)):
            client.send(message[n:n + 1])
    elif how == "two":
        client.send(message + pickle.dumps({"option": 1}))
    else:
        client.send(message)
    if how == "half-close":
        client.shutdown(socket.SHUT_WR)
    listen(client)
client.close()
