#!/usr/bin/env python3
"""Opens pages of `slim report`, `slim diff` and `slim plan` (--format html) in a real browser and uses them as a person does.

    tests/html-browser.py PAGE.html                  every check; the exit code says whether all is well
    tests/html-browser.py PAGE.html --shots DIR      and screenshots: wide and narrow, light and dark, and the print
    tests/html-browser.py PAGE.html --within SECONDS and it must be there in so many seconds
    tests/html-browser.py PAGE.html --empty          it has no map: no path changed, or none goes
    tests/html-browser.py PAGE.html --record         one line for docs/measured.md: rows, bytes, seconds

It needs Debian's chromium (or the program that CHROMIUM names) and Python's standard library, and speaks the DevTools
protocol over a pipe: no port is opened.
"""

import argparse
import base64
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

WIDE, NARROW = (1400, 900), (400, 800)


class Browser:
    """A headless chromium with one page."""

    def __init__(self, program):
        self.profile = tempfile.mkdtemp(prefix="slim-html-")
        to_child, self.out = os.pipe()
        self.into, from_child = os.pipe()

        def wire():  # the browser reads file descriptor 3 and writes 4
            for end, number in ((fcntl.fcntl(to_child, fcntl.F_DUPFD, 10), 3), (fcntl.fcntl(from_child, fcntl.F_DUPFD, 10), 4)):
                os.dup2(end, number)

        words = [
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe",
            "--hide-scrollbars", "--force-color-profile=srgb", "--disable-dev-shm-usage", f"--user-data-dir={self.profile}", "about:blank",
        ]
        self.child = subprocess.Popen(words, preexec_fn=wire, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_child)
        os.close(from_child)
        self.buffer, self.number, self.session, self.events = b"", 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        self.number += 1
        number = self.number
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        rest = json.dumps(message).encode() + b"\0"
        while rest:
            rest = rest[os.write(self.out, rest):]
        while True:
            answer = self.read()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def read(self):
        while b"\0" not in self.buffer:
            more = os.read(self.into, 1 << 20)
            if not more:
                raise RuntimeError("the browser went away")
            self.buffer += more
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def js(self, expression):
        """What an expression in the page gives; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def view(self, size, scheme="light"):
        self.call("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media="", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.settle()

    def settle(self):
        self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    def open(self, url):
        """Seconds from the request for the page until it has drawn itself."""
        self.events.clear()
        begin = time.monotonic()
        self.call("Page.navigate", url=url)
        while self.js("document.documentElement ? document.documentElement.dataset.ready || '' : ''") != "yes":
            if time.monotonic() - begin > 60:
                raise RuntimeError(f"{url} is not ready after a minute: {self.complaints()}")
            time.sleep(0.01)
        self.settle()
        return time.monotonic() - begin

    def click(self, x, y):
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left" if kind != "mouseMoved" else "none", clickCount=1)
        self.settle()

    def key(self, key):
        codes = {"Enter": 13, "Escape": 27, "Backspace": 8, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        text = {"Enter": "\r"}.get(key)
        event = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", **event, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)
        self.settle()

    def type(self, text):
        self.call("Input.insertText", text=text)
        time.sleep(0.2)  # a filter waits for the next letter
        self.settle()

    def shot(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def complaints(self):
        """Errors on the console, violations of the policy, uncaught exceptions."""
        self.js("1")
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(str(params["exceptionDetails"].get("exception", params)))
            if event.get("method") == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append(str(params["args"]))
            if event.get("method") == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(str(params["entry"]))
        return found

    def requests(self):
        """The addresses that were asked for."""
        sent = [event["params"]["request"]["url"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [url for url in sent if not url.startswith("data:")]

    def close(self):
        try:
            self.session = None
            self.call("Browser.close")
        except (RuntimeError, OSError):
            self.child.kill()
        self.child.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


failures = []


def check(what, is_so, seen=None):
    if not is_so:
        failures.append(f"{what}: {seen!r}")
        print(f"FAIL {what}: {seen!r}")


COLUMN = "[...document.querySelectorAll('#{0} tbody tr')].map((row) => row.children[{1}].innerText)"
HERE = "[...document.querySelectorAll('#crumbs li')].map((one) => one.innerText).join(' > ')"
SHARE = re.compile(" of (the image|what changed|what goes)")
TOP = """(() => { const box = document.getElementById('treemap').getBoundingClientRect(); return [box.x, box.y, box.width, box.height]; })()"""


def sums_map_checks(page):
    """Of a report without paths the map has groups, which are chosen, and nothing to go into."""
    x, y, _, _ = page.js(TOP + f"; document.getElementById('map').scrollIntoView(); {TOP}")
    page.click(x + 30, y + 30)
    said = page.js("document.getElementById('said').innerText")
    check("a click chooses", SHARE.search(said), said)
    check("there is no map of directories", "Directory" not in page.js("document.getElementById('pivots').innerText"))


def map_checks(page):
    """Clicks and keys go in and out; the list holds what the map holds."""
    page.js("document.getElementById('map').scrollIntoView()")
    page.settle()
    x, y, width, height = page.js(TOP)
    check("the map has a size", width > 200 and height > 200, (width, height))
    check("the map says what it is", page.js("document.getElementById('treemap').getAttribute('aria-label')").startswith("Map of "))
    before = page.js(HERE)
    list_first = page.js("document.querySelector('#inside li .what').innerText")
    page.click(x + 30, y + 8)  # the largest one's head
    inside = page.js(HERE)
    check("a click goes in", inside != before and list_first.strip("/") in inside, (before, inside, list_first))
    check("the list follows", page.js("document.querySelectorAll('#inside li').length") > 0)
    page.js("document.getElementById('treemap').focus()")
    page.key("Escape")
    check("Escape goes out", page.js(HERE) == before, page.js(HERE))
    page.key("ArrowRight")
    said = page.js("document.getElementById('said').innerText")
    check("an arrow chooses, and it is said", SHARE.search(said), said)
    page.key("ArrowLeft")  # the largest again
    page.key("Enter")
    check("Enter goes in", page.js(HERE) != before, page.js(HERE))
    page.key("Backspace")
    check("Backspace goes out", page.js(HERE) == before, page.js(HERE))
    page.js("document.querySelector('#inside li button').focus()")
    page.key("Enter")
    check("the list goes in too", page.js(HERE) != before, page.js(HERE))
    page.js("document.querySelector('#crumbs button').click()")
    check("the way back", page.js(HERE) == before, page.js(HERE))
    for at, pivot in enumerate(page.js("[...document.querySelectorAll('#pivots button')].map((one) => one.innerText)")):
        page.js(f"document.querySelectorAll('#pivots button')[{at}].click()")
        chosen = page.js("document.querySelector('#pivots [aria-checked=true]').innerText")
        check(f"divided by {pivot}", chosen == pivot and page.js("document.querySelectorAll('#inside li').length") > 0, chosen)
    page.js("document.querySelector('#pivots button').click()")


def sums_checks(page):
    """The map's numbers are the report's, however they are divided."""
    if page.js("document.querySelector('.kind').innerText") != "Image report":
        return
    disk = page.js("JSON.parse(document.getElementById('data').textContent).platforms[0].totals.disk_bytes")
    for at in range(page.js("document.querySelectorAll('#pivots button').length")):
        page.js(f"document.querySelectorAll('#pivots button')[{at}].click()")
        shown = page.js("document.querySelector('#inside .sum strong').innerText")
        card = page.js("document.querySelector('#cards .value').innerText")
        has_tree = page.js("'tree' in JSON.parse(document.getElementById('data').textContent).platforms[0]")
        check("the map holds all bytes", shown == card or not has_tree, (disk, shown, card))
    page.js("document.querySelector('#pivots button').click()")


def table_checks(page):
    """Tables are sorted and filtered."""
    first = "[...document.querySelectorAll('#files tbody th')].map((cell) => cell.innerText)"
    head = "document.querySelectorAll('#files thead th')[{0}]"
    by_size = page.js(first)
    size, name = page.js("""(() => {
        const heads = [...document.querySelectorAll('#files thead th')];
        return [heads.findIndex((head) => head.getAttribute('aria-sort') === 'descending'), [...document.querySelector('#files tbody tr').children].findIndex((cell) => cell.tagName === 'TH')];
    })()""")
    check("the largest file is first", size >= 0, size)
    page.js(head.format(name) + ".querySelector('button').click()")
    by_name = page.js(first)
    # What is shown of an odd name is not what it is sorted by.
    plain = lambda names: [name for name in names if re.fullmatch(r"[A-Za-z0-9/._@+-]+", name)]
    check("sorted by name", plain(by_name) == sorted(plain(by_name)) and page.js(head.format(name) + ".getAttribute('aria-sort')") == "ascending", by_name[:3])
    page.js(head.format(name) + ".querySelector('button').click()")
    down = page.js(first)
    check("and the other way", plain(down) == sorted(plain(down), reverse=True), down[:3])
    page.js(head.format(size) + ".querySelector('button').click()")
    check("by size again", page.js(first) == by_size)
    word = by_size[-1].rsplit("/", 1)[-1][:12]
    page.js("document.querySelector('#files input').focus()")
    page.type(word)
    found = page.js("[...document.querySelectorAll('#files tbody tr')].map((row) => row.innerText.toLowerCase())")
    check("filtered", found and all(word.lower() in row for row in found), (word, found[:3]))
    count = page.js("document.querySelector('#files .count').innerText")
    check("the count is said", " of " in count or len(by_size) == len(found), count)
    page.js("(() => { const box = document.querySelector('#files input'); box.value = ''; box.dispatchEvent(new Event('input')); })()")
    time.sleep(0.2)
    page.settle()
    check("the filter goes", page.js(first) == by_size)


def reader_checks(page):
    """Everything has a name, and nothing is only drawn."""
    nameless = page.js("[...document.querySelectorAll('button, a, select, input, canvas')].filter((one) => !one.hidden && !(one.innerText || one.getAttribute('aria-label') || one.labels && one.labels.length)).length")
    check("everything has a name", nameless == 0, nameless)
    sections = page.js("[...document.querySelectorAll('#sections > section')].filter((one) => !document.getElementById(one.getAttribute('aria-labelledby'))).length")
    check("every section has a title", sections == 0, sections)
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = {node.get("role", {}).get("value") for node in tree}
    for role in ("main", "navigation", "table", "columnheader", "rowheader", "searchbox", "radiogroup", "status", "heading"):
        check(f"a {role} for screen readers", role in roles, sorted(str(one) for one in roles))
    page.js("document.activeElement.blur(); window.scrollTo(0, 0)")
    seen = []
    for _ in range(12):
        page.key("Tab")
        seen.append(page.js("document.activeElement.id || document.activeElement.className || document.activeElement.innerText"))
    check("Tab goes through", len(set(seen)) >= 4, seen)


def safety_checks(page, address):
    """Nothing is loaded, nothing of an image runs or hides."""
    check("one request", page.requests() == [address], page.requests())
    check("nothing complains", not page.complaints(), page.complaints())
    page.js("fetch('http://127.0.0.1:9/').catch(() => 0)")
    page.js("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
    check("the policy stops other scripts", page.js("window.ran") is None)
    hidden = page.js("/[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.innerText)")
    check("nothing hides or reorders text", hidden is False)
    foreign = page.js("document.querySelectorAll('body img, iframe, object, embed, form, main script, [onerror], [onload], [style*=url]').length")
    check("no foreign elements", foreign == 0, foreign)


def layout_checks(page):
    """Nothing is wider than the window."""
    for size in (WIDE, NARROW):
        for scheme in ("light", "dark"):
            page.view(size, scheme)
            wide = page.js("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            check(f"no sideways scrolling at {size[0]}", wide <= 0, wide)
            ground = page.js("getComputedStyle(document.body).backgroundColor")
            is_dark = sum(int(part) for part in ground[4:-1].split(",")) < 200
            check(f"{scheme} at {size[0]}", is_dark == (scheme == "dark"), ground)
    page.view(WIDE)
    page.js("document.getElementById('theme').click()")
    ground = page.js("getComputedStyle(document.body).backgroundColor")
    check("the button makes it dark", sum(int(part) for part in ground[4:-1].split(",")) < 200, ground)
    page.js("document.getElementById('theme').click()")


def print_checks(page, shots):
    """On paper every row of the tables is there."""
    before = page.js("document.querySelectorAll('tbody tr').length")
    pdf = base64.b64decode(page.call("Page.printToPDF", printBackground=True)["data"])
    check("it prints", pdf.startswith(b"%PDF") and len(pdf) > 20000, len(pdf))
    page.settle()
    check("and is as before", page.js("document.querySelectorAll('tbody tr').length") == before)
    if shots:
        (shots / "print.pdf").write_bytes(pdf)


def pictures(page, shots):
    for size, width in ((WIDE, "wide"), (NARROW, "narrow")):
        for scheme in ("light", "dark"):
            page.view(size, scheme)
            page.js("document.documentElement.style.scrollBehavior = 'auto'")
            for section in ["main"] + page.js("[...document.querySelectorAll('section[id]')].map((one) => one.id)"):
                page.js(f"document.getElementById('{section}').scrollIntoView()" if section != "main" else "window.scrollTo(0, 0)")
                page.settle()
                page.shot(shots / f"{width}-{scheme}-{section}.png")
    page.view(WIDE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--shots", type=pathlib.Path)
    parser.add_argument("--within", type=float)
    parser.add_argument("--empty", action="store_true")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        sys.exit("no chromium")
    page = Browser(program)
    try:
        address = options.page.resolve().as_uri()
        page.view(WIDE)
        seconds = [page.open(address) for _ in range(3)]
        rows = page.js("(({tree, paths, removals}) => (tree ? tree.parent : paths || removals || []).length)(JSON.parse(document.getElementById('data').textContent).platforms[0])")
        best = sorted(seconds)[1]
        if options.record:
            print(f"| {rows:,} | {options.page.stat().st_size / 1e6:.1f} MB | {best:.2f} s |")
        if options.within is not None:
            check("it is there in time", best <= options.within, seconds)
        if options.shots:
            options.shots.mkdir(parents=True, exist_ok=True)
            pictures(page, options.shots)
        if options.empty:
            check("there is no map", page.js("document.getElementById('map').hidden"))
            check("it says so", page.js("document.getElementById('verdict').innerText.length > 10"))
        else:
            (map_checks if rows else sums_map_checks)(page)
            sums_checks(page)
            table_checks(page)
            reader_checks(page)
        layout_checks(page)
        print_checks(page, options.shots)
        page.open(address)
        safety_checks(page, address)
    finally:
        page.close()
    print(f"{options.page.name}: {rows:,} rows, {best:.2f} s, {len(failures)} failures")
    sys.exit(1 if failures else 0)


main()
