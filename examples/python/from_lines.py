"""Region changes from standard input into a table, for tests of your own."""

import json
import sys

from table import open_table, take, writing

database = open_table()
for text in sys.stdin:
    event = json.loads(text)
    with writing(database):
        line = take(database, event["type"], event["id"], event["dataschema"], event["data"])
    if line:
        print(line)
for device, layer, region in database.execute("SELECT device, layer, region FROM inside ORDER BY 1, 2, 3"):
    print(f"{device} is in {region} of {layer}")
