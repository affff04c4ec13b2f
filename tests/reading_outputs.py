"""All that a file of a report holds, unpacked, for tests that search it."""

import base64
import gzip
import json
import re
import sqlite3
import zipfile


def texts(path):
    """Everything a file holds, unpacked: members of archives, the packed block of a map, rows of a database."""
    whole = path.read_bytes()
    yield whole
    if path.suffix in {".xlsx", ".docx"}:
        with zipfile.ZipFile(path) as archive:
            yield from map(archive.read, archive.namelist())
    if path.suffix == ".gpkg":
        with sqlite3.connect(path) as base:
            yield "\n".join(map(str, base.iterdump())).encode("utf-8", "replace")
    for found in re.findall(rb'id="parkwise-data">([^<]+)<', whole):
        packed = gzip.decompress(base64.b64decode(found))
        # The head is JSON of plain ASCII: its texts are read, not searched.
        head = json.loads(packed[4 : 4 + int.from_bytes(packed[:4], "little")])
        yield json.dumps(head, ensure_ascii=False).encode("utf-8") + packed
