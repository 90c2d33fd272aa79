"""Region changes from a gateway's stream into a table, each exactly once.

The `id` of a message is a position: it is stored in the transaction of what was made of the event, and sent as
`Last-Event-ID` when the stream is opened again.
"""

import json
import os
import time

import httpx
from table import open_table, position, store_position, take, writing

URL = os.environ.get("GEOFENCE", "http://127.0.0.1:8080") + "/v1/events?from=beginning"
KEY = {"Authorization": f"Bearer {os.environ['KEY']}"}
STREAM = "stream"
AGAIN_S = 1


def messages(lines):
    """The fields of each message."""
    message = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            message[name] = value.removeprefix(" ")
        else:
            yield message
            message = {}


def take_message(database, message):
    """What one message has brought, and where it stands in the stream, in one transaction."""
    kind, data, line = message.get("event", "message"), message.get("data"), None
    with writing(database):
        if kind == "message" and data:
            event = json.loads(data)
            line = take(database, event["type"], event["id"], event["dataschema"], event["data"])
        if "id" in message:
            store_position(database, STREAM, message["id"])
    if line:
        print(line, flush=True)
    if kind == "gap":
        print("events have expired:", data, flush=True)  # look at what holds now: GET /v1/devices


def follow(database):
    """Take what comes until the connection ends."""
    last = position(database, STREAM)
    resume = {"Last-Event-ID": last} if last else {}
    # A sign of life comes each 15 s: who has heard nothing for 40 s connects again.
    with httpx.stream("GET", URL, headers=KEY | resume, timeout=40) as answer:
        if answer.status_code in (400, 401, 403):
            answer.read()
            raise SystemExit(answer.json()["detail"])
        answer.raise_for_status()
        for message in messages(answer.iter_lines()):
            take_message(database, message)


if __name__ == "__main__":
    own = open_table()
    while True:
        try:
            follow(own)
        except httpx.HTTPError as error:
            print(error, flush=True)
        time.sleep(AGAIN_S)
