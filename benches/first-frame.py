#!/usr/bin/env python3
"""How long a person looks at nothing: from the start of `slim explore` to its first frame, in a terminal of 120 x 40.

    benches/first-frame.py SLIM IMAGE [SECONDS]

Five runs without any cache; each is left after SECONDS (8), and its largest memory until then is told too.
"""

import fcntl
import os
import pty
import select
import struct
import sys
import tempfile
import termios
import time


def run(slim, image, seconds):
    cache = tempfile.mkdtemp()
    begun = time.monotonic()
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", XDG_CACHE_HOME=cache)
        os.execv(slim, [slim, "explore", image])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen, first, peak, has_left = b"", None, 0, False
    while True:
        if select.select([terminal], [], [], 0.005)[0]:
            try:
                seen += os.read(terminal, 1 << 16)
            except OSError:  # it has ended
                break
            if first is None and b"filter:" in seen:
                first = time.monotonic() - begun
        try:
            with open(f"/proc/{child}/status", encoding="ascii") as status:
                peak = max([peak] + [int(line.split()[1]) for line in status if line.startswith("VmHWM")])
        except OSError:
            pass
        if not has_left and time.monotonic() - begun > seconds:
            os.write(terminal, b"q")
            has_left = True
    os.waitpid(child, 0)
    return first, peak


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 8
    for _ in range(5):
        first, peak = run(sys.argv[1], sys.argv[2], seconds)
        told = "none" if first is None else f"{first * 1000:.0f} ms"
        print(f"first frame {told}, peak {peak / 1024:.0f} MiB")


main()
