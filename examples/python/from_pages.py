"""Region changes from a gateway into a table, a page at a time, each exactly once."""

import os
import time

import httpx
from table import open_table, position, store_position, take, writing

URL = os.environ.get("GEOFENCE", "http://127.0.0.1:8080") + "/v1/events"
KEY = {"Authorization": f"Bearer {os.environ['KEY']}"}
PAGES = "pages"
PAUSE_S = float(os.environ.get("PAUSE_S", "60"))


def take_page(database):
    """Take one page; whether there is more to look at."""
    last = position(database, PAGES)
    where = {"after": last} if last else {"from": "beginning"}
    page = httpx.get(URL, params={"limit": 500, **where}, headers=KEY, timeout=40).raise_for_status().json()
    lines = []
    with writing(database):
        for event in page["events"]:
            lines.append(take(database, event["type"], event["id"], event["dataschema"], event["data"]))
        store_position(database, PAGES, page["next"])
    for line in filter(None, lines):
        print(line, flush=True)
    return page["more"]


if __name__ == "__main__":
    own = open_table()
    while True:
        try:
            more = take_page(own)
        except httpx.HTTPError as error:
            print(error, flush=True)
            more = False
        if not more:
            time.sleep(PAUSE_S)
