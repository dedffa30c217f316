#!/usr/bin/env python3
"""convert.py RPMDB.SQLITE DIRECTORY: the same headers as ndb (Packages.db) and Berkeley DB of both byte orders
(Packages.little, Packages.big). The first is written as lib/backend/ndb/rpmpkg.c in rpm reads it; the others by db5.3_load.
"""
import sqlite3
import struct
import subprocess
import sys
import zlib


def ndb(rows):
    pages = (2 + len(rows)) * 16 // 4096 + 1
    slots, blobs = [], b""
    for number, blob in rows:
        head = struct.pack("<4sIII", b"BlbS", number, 0, len(blob))
        length = len(head) + len(blob) + 12
        body = head + blob + b"\0" * (-length % 16)
        body += struct.pack("<II4s", zlib.adler32(body), len(blob), b"BlbE")
        slots.append(struct.pack("<4sIII", b"Slot", number, (pages * 4096 + len(blobs)) // 16, len(body) // 16))
        blobs += body
    free = struct.pack("<4sIII", b"Slot", 0, 0, 0)
    slots.insert(3, free)
    slots += [free] * (pages * 256 - 2 - len(slots))
    head = struct.pack("<4sIIII", b"RpmP", 0, 1, pages, rows[-1][0] + 1) + b"\0" * 12
    return head + b"".join(slots) + blobs


def bdb(rows, order, path):
    number = "<I" if order == 1234 else ">I"
    pairs = [(struct.pack(number, 0), struct.pack(number, rows[-1][0]))]
    pairs += [(struct.pack(number, key), blob) for key, blob in rows]
    lines = ["VERSION=3", "format=bytevalue", "type=hash", "db_pagesize=4096", f"db_lorder={order}", "HEADER=END"]
    lines += [f" {item.hex()}" for pair in pairs for item in pair] + ["DATA=END", ""]
    subprocess.run(["db5.3_load", path], input="\n".join(lines).encode(), check=True)


def main(source, directory):
    rows = sqlite3.connect(source).execute("SELECT hnum, blob FROM Packages ORDER BY hnum").fetchall()
    with open(f"{directory}/Packages.db", "wb") as file:
        file.write(ndb(rows))
    bdb(rows, 1234, f"{directory}/Packages.little")
    bdb(rows, 4321, f"{directory}/Packages.big")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
