#!/usr/bin/env python3
"""Writes docs/hostile.md: what slim and other tools do with every case of the shared hostile corpus.

    tests/hostile-table.py SLIM [--dive PATH] [--syft PATH] [--only SUBSTRING] [--output FILE]

Needs root for umoci, buildah and a docker engine, which it starts with everything under a temporary directory. The corpus
is LAYERSLIM_CORPUS, else ../shared/corpus. A tool that is not there has no column. Nothing outside the temporary directory
is written but the document.
"""

import argparse
import bz2
import gzip
import hashlib
import json
import lzma
import os
import re
import resource
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time
import uuid
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TIME = 60  # seconds
MEMORY = 2 << 30  # bytes of peak resident memory past which a cell says so
FILE = 3 << 30  # bytes of the largest file that a tool may write: there is a bomb of 16 GiB
HERE = Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("slim")
    parser.add_argument("--dive", default="dive")
    parser.add_argument("--syft", default="syft")
    parser.add_argument("--only", default="")
    parser.add_argument("--output", default=str(HERE.parent / "docs/hostile.md"))
    args = parser.parse_args()
    corpus = Path(os.environ.get("LAYERSLIM_CORPUS") or HERE.parent.parent / "shared/corpus") / "hostile"
    rows = [line.split("\t") for line in (corpus / "EXPECT.tsv").read_text().splitlines()[1:]]
    rows = [row for row in rows if args.only in row[0]]
    scratch = Path(tempfile.gettempdir()) / f"slim-hostile-{uuid.uuid4().hex[:8]}"
    scratch.mkdir(mode=0o700)
    engine = Engine(scratch)
    pool = ThreadPoolExecutor(2)
    try:
        tools = available(args, engine)
        results = list(pool.map(lambda row: judge(corpus, row, tools, scratch), rows))
    finally:
        pool.shutdown(cancel_futures=True)
        engine.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    Path(args.output).write_text(document(rows, results, tools))


# --- the cases as images


def judge(corpus, row, tools, scratch):
    """What every tool does with one case: {tool: (word, first line of what it said)}."""
    work = scratch / uuid.uuid4().hex  # some tools make image names of it
    work.mkdir()
    try:
        forms = make(corpus / row[0], row[1], work)
        result = {}
        for name, tool in tools.items():
            place = work / name
            place.mkdir()
            command = tool["command"](forms, place)
            result[name] = run(command, place) if command else ("–", "")
            cleanup(place)
        print(row[0], json.dumps(result), flush=True)
        return result
    finally:
        cleanup(work)


def cleanup(path):
    subprocess.run(["rm", "-rf", "--one-file-system", str(path)], stderr=subprocess.DEVNULL)


def make(path, group, work):
    """The case as a layout and as an archive that docker loads, where it can be either."""
    if group == "docker-archive":
        return {"archive": path}
    layout = work / "layout"
    if path.is_dir():
        copy_layout(path, layout)
    else:
        wrap(path, layout)
    archive = work / "archive.tar"
    tar_layout(layout, archive)
    return {"layout": layout, "archive": archive, "tag": tag_of(layout)}


def copy_layout(path, layout):
    shutil.copytree(path, layout)
    if path.name == "blob-symlink-inside":  # the corpus keeps symlinks as files
        for blob in (layout / "blobs/sha256").iterdir():
            target = blob.read_bytes()
            if target.startswith(b"../../"):
                blob.unlink()
                blob.symlink_to(target.decode())
    # umoci only knows images by tag.
    try:
        index = json.loads((layout / "index.json").read_text())
        for number, entry in enumerate(index["manifests"]):
            entry.setdefault("annotations", {}).setdefault("org.opencontainers.image.ref.name", f"t{number}")
        if index["manifests"]:
            (layout / "index.json").write_text(json.dumps(index))
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
        pass


def wrap(path, layout):
    """An image of a small base and the layer."""
    blobs = layout / "blobs/sha256"
    blobs.mkdir(parents=True)

    def store(media_type, data):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

    suffix = {".gz": "+gzip", ".zst": "+zstd"}.get(path.suffix, "")
    layer_type = "application/vnd.oci.image.layer.v1.tar"
    base, layer = base_layer(), path.read_bytes()
    layers = [store(layer_type, base), store(layer_type + suffix, layer)]
    ids = ["sha256:" + hashlib.sha256(base).hexdigest(), "sha256:" + plain_digest(path, layer)]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": ids},
        "history": [{"created_by": "base"}, {"created_by": "case"}],
    }
    config = store("application/vnd.oci.image.config.v1+json", json.dumps(config).encode())
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}
    entry = store(kind, json.dumps(manifest).encode())
    entry["annotations"] = {"org.opencontainers.image.ref.name": "t"}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


def base_layer():
    import io

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, kind, body in [
            ("etc", tarfile.DIRTYPE, b""),
            ("etc/passwd", tarfile.REGTYPE, b"root:x:0:0"),
            ("file", tarfile.REGTYPE, b"below"),
            ("lnk", tarfile.SYMTYPE, b"etc"),
            ("a", tarfile.DIRTYPE, b""),
            ("a/b", tarfile.REGTYPE, b"b"),
        ]:
            info = tarfile.TarInfo(name)
            info.type, info.mode = kind, 0o755
            if kind == tarfile.SYMTYPE:
                info.linkname = body.decode()
            else:
                info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def plain_digest(path, data):
    """The SHA-256 of the decompressed bytes, as far as they go: a damaged blob is refused before it counts."""
    hasher = hashlib.sha256()
    if path.suffix == ".zst":
        zstd = subprocess.Popen(["zstd", "-dc", "--long=31", str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        while piece := zstd.stdout.read(1 << 20):
            hasher.update(piece)
        zstd.wait()
        return hasher.hexdigest()
    opener = {".gz": gzip_pieces, ".xz": lzma.open, ".bz2": bz2.open}.get(path.suffix)
    if opener is None:
        return hashlib.sha256(data).hexdigest()
    if opener is gzip_pieces:
        for piece in gzip_pieces(data):
            hasher.update(piece)
    else:
        with opener(path) as file:
            while piece := file.read(1 << 20):
                hasher.update(piece)
    return hasher.hexdigest()


def gzip_pieces(data):
    """Every member; ends at the first byte that is none, as gzip(1) does."""
    while data[:2] == b"\x1f\x8b":
        decoder = zlib.decompressobj(31)
        try:
            piece = decoder.decompress(data, 1 << 24)
            while piece:
                yield piece
                piece = decoder.decompress(decoder.unconsumed_tail, 1 << 24)
        except zlib.error:
            # A header that zlib alone refuses: RFC 1952's reserved bits.
            try:
                yield gzip.decompress(data[:3] + bytes([data[3] & 0x1F]) + data[4:])
            except (OSError, EOFError, zlib.error):
                pass
            return
        if not decoder.eof:
            return
        data = decoder.unused_data


def tar_layout(layout, archive):
    """The layout as a tar, with docker's manifest.json where one can be made."""
    with tarfile.open(archive, "w") as tar:
        try:
            index = json.loads((layout / "index.json").read_text())
            blob = lambda digest: "blobs/" + digest.replace(":", "/")
            entry = index["manifests"][0]
            manifest = json.loads((layout / blob(entry["digest"])).read_text())
            names = [blob(layer["digest"]) for layer in manifest["layers"]]
            row = {"Config": blob(manifest["config"]["digest"]), "RepoTags": None, "Layers": names}
            data = json.dumps([row]).encode()
            import io

            info = tarfile.TarInfo("manifest.json")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, OSError, RecursionError):
            pass
        for path in sorted(layout.rglob("*")):
            tar.add(path, str(path.relative_to(layout)), recursive=False)


def tag_of(layout):
    try:
        index = json.loads((layout / "index.json").read_text())
        return index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OSError, RecursionError):
        return "t"


# --- the tools


def available(args, engine):
    dive, syft = shutil.which(args.dive), shutil.which(args.syft)

    def oci(forms):
        return f"oci:{forms['layout']}" if "layout" in forms else None

    def tagged(forms):
        return f"oci:{forms['layout']}:{forms['tag']}" if "layout" in forms else f"docker-archive:{forms['archive']}"

    def slim(forms, place):
        return [args.slim, "report", "--quiet", "--format", "json", oci(forms) or f"docker-archive:{forms['archive']}"]

    def umoci(forms, place):
        return oci(forms) and ["umoci", "unpack", "--image", f"{forms['layout']}:{forms['tag']}", str(place / "bundle")]

    def buildah(forms, place):
        dirs = ["--root", str(place / "root"), "--runroot", str(place / "run"), "--storage-driver", "vfs"]
        return ["buildah", *dirs, "pull", "-q", tagged(forms)]

    def docker(forms, place):
        return engine.load(forms["archive"])

    def skopeo(forms, place):
        return ["skopeo", "--insecure-policy", "copy", "-q", tagged(forms), f"dir:{place / 'dir'}"]

    def run_dive(forms, place):
        rules = place / "rules.yaml"
        names = ["lowestEfficiency", "highestWastedBytes", "highestUserWastedPercent"]
        rules.write_text("rules:\n" + "".join(f"  {name}: disabled\n" for name in names))
        return [dive, "--ci", "--ci-config", str(rules), "--source", "docker-archive", str(forms["archive"])]

    def run_syft(forms, place):
        source = f"oci-dir:{forms['layout']}" if "layout" in forms else f"docker-archive:{forms['archive']}"
        # One cataloger: every layer is read all the same.
        return [syft, "scan", "-q", "--override-default-catalogers", "dpkg-db-cataloger", "-o", "json", source]

    tools = {"slim": dict(command=slim, version=version(args.slim, "--version"), does="`slim report`")}
    if shutil.which("umoci"):
        tools["umoci"] = dict(command=umoci, version=version("umoci", "--version"), does="`umoci unpack`")
    if shutil.which("buildah"):
        tools["buildah"] = dict(command=buildah, version=version("buildah", "--version"), does="`buildah pull`, vfs storage")
    if engine.start():
        tools["docker"] = dict(command=docker, version=version("dockerd", "--version"), does="`docker load`, overlay2 storage")
    if shutil.which("skopeo"):
        tools["skopeo"] = dict(command=skopeo, version=version("skopeo", "--version"), does="`skopeo copy` to a directory; reads no tar")
    if dive:
        tools["dive"] = dict(command=run_dive, version=version(dive, "--version"), does="`dive --ci` without rules, as an archive")
    if syft:
        tools["syft"] = dict(command=run_syft, version=version(syft, "--version"), does="`syft scan` with one cataloger")
    return tools


def version(*command):
    text = subprocess.run(command, capture_output=True, text=True).stdout
    found = re.search(r"\d+\.\d+(\.\d+)?", text)
    return found.group(0) if found else "?"


class Engine:
    """A docker engine of its own, started again when a case ends it."""

    def __init__(self, scratch):
        self.place = scratch / "engine"
        self.process = None
        self.lock = threading.Lock()

    def start(self):
        if not shutil.which("dockerd") or not shutil.which("docker"):
            return False
        self.place.mkdir(exist_ok=True)
        flags = ["--storage-driver", "overlay2", "--iptables=false", "--ip6tables=false", "--bridge=none"]
        flags += ["--ip-forward=false", "--ip-masq=false", "--oom-score-adjust", "0"]
        flags += ["--data-root", str(self.place / "data"), "--exec-root", str(self.place / "exec")]
        flags += ["-p", str(self.place / "pid"), "-H", f"unix://{self.place}/sock"]
        (self.place / "pid").unlink(missing_ok=True)
        self.log = open(self.place / "log", "ab")
        self.process = subprocess.Popen(["dockerd", *flags], stdout=self.log, stderr=self.log, preexec_fn=limits)
        for _ in range(100):
            if subprocess.run([*self.client(), "version"], capture_output=True).returncode == 0:
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.2)
        return False

    def client(self):
        client = "/usr/bin/docker" if os.path.exists("/usr/bin/docker") else "docker"
        return [client, "-H", f"unix://{self.place}/sock"]

    def load(self, archive):
        with self.lock:
            if self.process.poll() is not None:
                self.start()
        return [*self.client(), "load", "-q", "-i", str(archive)]

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def limits():
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))
    os.nice(5)


def run(command, place):
    """One word for how it ended, and the first line of why."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(place), "TMPDIR": str(place), "XDG_RUNTIME_DIR": str(place)}
    environment["SLIM_CACHE"] = str(place / "cache")
    environment["SYFT_CHECK_FOR_APP_UPDATE"] = "false"
    errors = place / "stderr"
    with open(errors, "wb") as err:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=err, stdin=subprocess.DEVNULL, env=environment,
            cwd=place, start_new_session=True, preexec_fn=limits,
        )
        timed_out = threading.Event()

        def end():
            timed_out.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(TIME, end)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        timer.cancel()
    with open(errors, "rb") as err:
        text = err.read(1 << 16).decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if timed_out.is_set():
        return "timeout", ""
    if "file too large" in text.lower() or "signal SIGXFSZ" in text:
        return "disk", ""
    if process.returncode < 0 or "panic:" in text or "goroutine 1" in text or "panicked at" in text:
        return "crash", next((line for line in lines if "panic" in line), "")
    if usage.ru_maxrss * 1024 > MEMORY:
        return "memory", ""
    return ("ok", "") if process.returncode == 0 else ("refused", lines[-1] if lines else "")


# --- the document


def fits(want, word):
    """Whether a tool did what the corpus asks of a reader."""
    return {
        "accept": word == "ok",
        "accept-sanitized": word == "ok",
        "reject": word == "refused",
        "bounded": word in ("ok", "refused"),
    }[want]


def document(rows, results, tools):
    out = ["# Hostile images: slim beside other tools", ""]
    out += [
        f"Made by [`tests/hostile-table.py`](../tests/hostile-table.py) from the {len(rows)} cases of the shared corpus's `hostile/EXPECT.tsv`. A bare layer is put over a small base.",
        "A cell is *ok*, *refused* (an error), *crash* (a panic or a signal), *timeout* (60 s), *memory* (more than 2 GiB), *disk* (a file of more than 3 GiB), or – where the tool has no such",
        "source. **Bold** is what differs from what the corpus asks of a reader: `accept` and `accept-sanitized` are to be read, `reject` is to be refused, `bounded` may be either. To unpack and",
        "to read are not the same: a tool that unpacks may be right to refuse what a reader accepts. *ok* says that a tool ended well, not that it read the case rightly; for slim the tests do",
        "([`tests/hostile.rs`](../tests/hostile.rs)). It ran on two cores that had other work too, so a *timeout* says less than the other words.",
        "",
    ]
    out += ["| tool | version | what was run | as asked | other | crash | timeout, memory, disk | – |", "|---|---|---|---:|---:|---:|---:|---:|"]
    for name, tool in tools.items():
        words = [(row[2], result[name][0]) for row, result in zip(rows, results)]
        good = sum(fits(want, word) for want, word in words if word != "–")
        crash = sum(word == "crash" for _, word in words)
        unbounded = sum(word in ("timeout", "memory", "disk") for _, word in words)
        none = sum(word == "–" for _, word in words)
        other = len(words) - good - crash - unbounded - none
        label = "**slim**" if name == "slim" else name
        out.append(f"| {label} | {tool['version']} | {tool['does']} | {good} | {other} | {crash} | {unbounded} | {none} |")
    missing = [name for name in ["umoci", "buildah", "docker", "skopeo", "dive", "syft"] if name not in tools]
    if missing:
        out += ["", f"Not on the machine this was made on: {', '.join(missing)}."]
    out += ["", "Where slim does not do what the table asks:", ""]
    for row, result in zip(rows, results):
        word, why = result["slim"]
        if not fits(row[2], word):
            out.append(f"- `{row[0]}` ({row[2]}): {word}. {clean(why)}")
    if out[-1] == "":
        out.append("- nowhere")
    out += ["", "| case | asked | " + " | ".join(tools) + " | what it is |", "|---|---|" + "---|" * len(tools) + "---|"]
    for row, result in zip(rows, results):
        cells = []
        for name in tools:
            word = result[name][0]
            cells.append(word if word == "–" or fits(row[2], word) else f"**{word}**")
        out.append(f"| `{row[0]}` | {row[2]} | " + " | ".join(cells) + f" | {escape(row[3])} |")
    return "\n".join(out) + "\n"


def clean(text):
    """An error without paths of this machine."""
    text = re.sub(r"(/[^\s:`]+)+/(layout|archive\.tar|images|layers)", "…", text)
    return escape(re.sub(r"sha256:([0-9a-f]{6})[0-9a-f]+", r"sha256:\1…", text))


def escape(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    main()
