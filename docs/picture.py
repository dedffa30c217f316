#!/usr/bin/env python3
"""Makes the pictures of the interface again: plays keys in a real terminal and writes its last screen as SVG.

    docs/picture.py SLIM 'WORDS' OUT.svg KEYS...

KEYS are tmux's names of keys. It needs tmux and Python's standard library. The README's pictures were made with

    docs/picture.py target/release/slim 'explore oci:my-app' docs/explore.svg 2 Down Down Space
    docs/picture.py target/release/slim 'diff oci:ml-app oci:ml-app-multistage --tui' docs/diff.svg ] 1 Down
"""

import html
import os
import re
import subprocess
import sys
import time
import unicodedata

COLUMNS, ROWS = 112, 30
WIDTH, HEIGHT = 8.4, 19  # of a cell, in pixels
PAPER, INK = "#14171b", "#e6e9ec"
# The 16 colours that a terminal has at least, on a dark ground.
PALETTE = [
    "#2f3740", "#e0705f", "#6fcf9f", "#e0b04c", "#7fb0ff", "#b59cf0", "#6cc7d6", "#c9d1d9",
    "#7d8794", "#f08c7d", "#8fe0b6", "#f0c87a", "#a3c8ff", "#cbb8ff", "#93dbe6", "#ffffff",
]


def color_256(number):
    if number < 16:
        return PALETTE[number]
    if number >= 232:
        return "#%02x%02x%02x" % ((8 + (number - 232) * 10,) * 3)
    steps = [0, 95, 135, 175, 215, 255]
    number -= 16
    return "#%02x%02x%02x" % (steps[number // 36], steps[number // 6 % 6], steps[number % 6])


class Pen:
    """How what follows is painted."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.ink, self.paper, self.bold, self.dim, self.turned = None, None, False, False, False

    def take(self, codes):
        codes = [int(code or 0) for code in re.split("[;:]", codes)] or [0]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.reset()
            elif code in (1, 2, 7):
                setattr(self, {1: "bold", 2: "dim", 7: "turned"}[code], True)
            elif code == 22:
                self.bold = self.dim = False
            elif code == 27:
                self.turned = False
            elif code in (38, 48):
                kind = codes.pop(0)
                color = color_256(codes.pop(0)) if kind == 5 else "#%02x%02x%02x" % tuple(codes.pop(0) for _ in range(3))
                setattr(self, "ink" if code == 38 else "paper", color)
            elif code in (39, 49):
                setattr(self, "ink" if code == 39 else "paper", None)
            elif 30 <= code <= 37 or 90 <= code <= 97:
                self.ink = PALETTE[code - 30 if code < 90 else code - 82]
            elif 40 <= code <= 47 or 100 <= code <= 107:
                self.paper = PALETTE[code - 40 if code < 100 else code - 92]

    def key(self):
        ink, paper = self.ink or INK, self.paper or PAPER
        return (paper, ink, self.bold, self.dim) if self.turned else (ink, paper, self.bold, self.dim)


def runs(line, pen):
    """Texts of one style, with the columns that they begin at."""
    at, text, column, begun, style = 0, "", 0, 0, None
    while at < len(line):
        escape = re.compile("\x1b\\[([0-9;:]*)m").match(line, at)
        if escape:
            pen.take(escape[1])
            at = escape.end()
            continue
        if pen.key() != style:
            if text:
                yield begun, column, text, style
            text, begun, style = "", column, pen.key()
        text += line[at]
        column += 2 if unicodedata.east_asian_width(line[at]) in "WF" else 1
        at += 1
    if text:
        yield begun, column, text, style


def svg(screen):
    width, height = COLUMNS * WIDTH + 32, ROWS * HEIGHT + 28
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" font-family="ui-monospace, \'DejaVu Sans Mono\', Menlo, Consolas, monospace" font-size="14">',
        f'<rect width="100%" height="100%" rx="10" fill="{PAPER}"/>',
    ]
    pen = Pen()
    for row, line in enumerate(screen):
        for begun, end, text, (ink, paper, bold, dim) in runs(line, pen):
            x, y = 16 + begun * WIDTH, 14 + row * HEIGHT
            if paper != PAPER:
                out.append(f'<rect x="{x:.1f}" y="{y}" width="{(end - begun) * WIDTH:.1f}" height="{HEIGHT}" fill="{paper}"/>')
            if text.strip():
                style = (' font-weight="700"' if bold else "") + (' opacity="0.6"' if dim else "")
                out.append(
                    f'<text x="{x:.1f}" y="{y + 14}" fill="{ink}"{style} textLength="{(end - begun) * WIDTH:.1f}" xml:space="preserve">{html.escape(text, quote=False)}</text>'
                )
    return "\n".join(out + ["</svg>", ""])


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    slim, words, path, *keys = sys.argv[1:]
    tmux = ["tmux", "-L", f"slim-picture-{os.getpid()}"]
    run = lambda *words: subprocess.run([*tmux, *words], check=True, capture_output=True, text=True).stdout
    run("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "-e", "COLORTERM=truecolor", slim, *words.split())
    try:
        run("set-option", "-g", "default-terminal", "tmux-256color")
        before = None
        for key in [None, *keys]:
            if key:
                run("send-keys", key)
            # A screen that stands still is done: what is read and planned changes it.
            for _ in range(100):
                time.sleep(0.4)
                now = run("capture-pane", "-e", "-p")
                if now == before and "reading" not in now:
                    break
                before = now
        screen = run("capture-pane", "-e", "-p").split("\n")[:ROWS]
    finally:
        subprocess.run([*tmux, "kill-server"], capture_output=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(svg(screen))


main()
