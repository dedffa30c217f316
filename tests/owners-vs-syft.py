#!/usr/bin/env python3
"""owners-vs-syft.py SLIM SYFT IMAGE…: the packages that slim finds, against syft's.

An IMAGE is `oci:DIR:TAG` or `docker-archive:FILE`; each must have one platform. Every deb, apk, rpm, PyPI, gem and npm package
with its version must be in both. Of npm, syft reads every package.json; what counts here is that of a directory of a
node_modules, and of an application beside one (docs/owners.md). Of programs and Java archives, syft lists what went into
them; what counts here is what they are: a Go program's main module, a Rust program's root, the archive itself, and none
of those that a package has installed. Versions that syft makes up or guesses (Go's, where the build information has none;
see `version`) are taken as unknown. Prints a line for each image and each difference; exit code 1 where there is any.
"""
import json
import os
import re
import subprocess
import sys

KINDS = {"deb": "deb", "apk": "apk", "rpm": "rpm", "python": "pypi", "gem": "gem", "npm": "npm",
         "go-module": "go", "rust-crate": "rust", "java-archive": "java", "jenkins-plugin": "java"}
# Those whose files say themselves what they are.
BUILT = {"go", "rust", "java"}
NODE_PACKAGE = re.compile(r"(^|/)node_modules/(@[^/]+/)?[^/.@][^/]*/package\.json$")
FILE_NAME = re.compile(r"(.+?)(-\d.*)?\.[^.]*$")


def documents(slim, image):
    out = subprocess.run([slim, "report", "--format", "json", "--platform", "all", image], check=True, capture_output=True)
    report = json.loads(out.stdout)
    return report.get("platforms", [report])


def key(kind, name, version):
    # One Python name has many spellings (PEP 503).
    return kind, re.sub("[-_.]+", "-", name).lower() if kind == "pypi" else name, version


def ours(report):
    return {key(row["kind"], row["name"], row["version"]) for row in report["owners"] if row["installed"]}


def installed_files(artifacts):
    """The paths that packages have installed, by syft's reading of their databases."""
    for artifact in artifacts:
        metadata = artifact.get("metadata") or {}
        for file in metadata.get("files") or []:
            if artifact["type"] == "python":
                site = os.path.dirname(os.path.dirname(artifact["locations"][0]["path"]))
                yield os.path.normpath(os.path.join(site, file["path"]))
            elif isinstance(file, dict):
                yield file["path"]


def version(kind, text):
    return "" if (kind == "go" and text == "(devel)") or text == "UNKNOWN" else text


def is_itself(kind, artifact):
    """Whether that is what the file is, and not what went into it; of Rust syft does not say."""
    metadata = artifact.get("metadata") or {}
    if kind == "go":
        return metadata.get("mainModule") == artifact["name"]
    return kind == "rust" or metadata.get("virtualPath") == artifact["locations"][0]["path"]


def theirs(syft, image, platform):
    """What must be in slim's, what may be, and by file: what it is, and what syft names in it."""
    transport, rest = image.split(":", 1)
    source = "oci-dir:" + rest.split(":")[0] if transport == "oci" else image
    command = [syft, "scan", source, "-q", "-o", "syft-json", "--platform", platform]
    found, deeper, files = set(), set(), {}
    artifacts = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["artifacts"]
    owned = set(installed_files(artifacts))
    for artifact in artifacts:
        kind = KINDS.get(artifact["type"])
        # What a library's ELF note says it was built as is no package that is installed.
        if kind is None or artifact["foundBy"] == "elf-binary-package-cataloger":
            continue
        # rpm keeps the keys that it checks signatures with as packages of this name.
        if kind == "rpm" and artifact["name"] == "gpg-pubkey":
            continue
        row = key(kind, artifact["name"], version(kind, artifact["version"]))
        paths = [place["path"] for place in artifact["locations"]]
        if kind in BUILT:
            path = paths[0]
            if path not in owned and "/node_modules/" not in path:
                itself, named = files.setdefault((kind, path), (set(), set()))
                named.update({row, (kind, row[1], "")} if kind == "go" else {row})
                if kind == "java":
                    # Where nothing confirms a name slim takes the file's, and syft the end of the OSGi bundle's.
                    named.add((kind, FILE_NAME.match(os.path.basename(path)).group(1), row[2]))
                if is_itself(kind, artifact):
                    itself.update({row, (kind, row[1], "")} if kind == "go" else {row})
            continue
        is_deeper = kind == "npm" and not any(NODE_PACKAGE.search(path) for path in paths)
        (deeper if is_deeper else found).add(row)
    return found, deeper, files


def built(mine, files):
    """Of files that are packages themselves: those slim names otherwise than syft does, and what only one of them has."""
    otherwise = [(path, itself) for (_, path), (itself, named) in files.items() if itself and not itself & mine and named & mine]
    missing = [min(itself) + (path,) for (_, path), (itself, named) in files.items() if itself and not named & mine]
    named = set().union(*(named for _, named in files.values()))
    more = [row for row in mine if row[0] in BUILT and row not in named]
    return otherwise, missing, more


def main(slim, syft, images):
    failed = False
    for image in images:
        for report in documents(slim, image):
            mine, (found, deeper, files) = ours(report), theirs(syft, image, report["image"]["platform"])
            otherwise, lost, made = built(mine, files)
            # A package.json that is no package's may be an application's.
            rest = {row for row in mine if row[0] not in BUILT}
            missing, more = sorted(found - mine) + sorted(lost), sorted(rest - found - deeper) + sorted(made)
            counts = {kind: sum(row[0] == kind for row in mine) for kind in dict.fromkeys(KINDS.values())}
            said = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
            disk = report["totals"]["disk_bytes"]
            owned = sum(row["disk_bytes"] for row in report["owners"])
            print(f"{image} {report['image']['platform']}: {said or 'no packages'}; {len(missing)} only syft's, "
                  f"{len(more)} only slim's; {owned / max(disk, 1):.1%} of {disk} bytes owned")
            for path, itself in otherwise:
                print(f"  syft names {path} otherwise: {min(itself)}")
            for name, rows in (("syft", missing), ("slim", more)):
                for row in rows:
                    print(f"  only {name}: {' '.join(row)}")
            failed |= bool(missing or more)
    return failed


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
