#!/usr/bin/env python3
"""owners-vs-syft.py SLIM SYFT IMAGE…: the packages that slim finds, against syft's.

An IMAGE is `oci:DIR:TAG` or `docker-archive:FILE`; each must have one platform. Every deb, apk, rpm, PyPI, gem and npm
package with its version must be in both. Of npm, syft reads every package.json; what counts here is that of a directory of a
node_modules, and of an application beside one (docs/owners.md). Prints a line for each image and each difference; exit
code 1 where there is any.
"""
import json
import re
import subprocess
import sys

KINDS = {"deb": "deb", "apk": "apk", "rpm": "rpm", "python": "pypi", "gem": "gem", "npm": "npm"}
NODE_PACKAGE = re.compile(r"(^|/)node_modules/(@[^/]+/)?[^/.@][^/]*/package\.json$")


def documents(slim, image):
    out = subprocess.run([slim, "report", "--format", "json", "--platform", "all", image], check=True, capture_output=True)
    report = json.loads(out.stdout)
    return report.get("platforms", [report])


def key(kind, name, version):
    # One Python name has many spellings (PEP 503).
    return kind, re.sub("[-_.]+", "-", name).lower() if kind == "pypi" else name, version


def ours(report):
    return {key(row["kind"], row["name"], row["version"]) for row in report["owners"] if row["installed"]}


def theirs(syft, image, platform):
    transport, rest = image.split(":", 1)
    source = "oci-dir:" + rest.split(":")[0] if transport == "oci" else image
    command = [syft, "scan", source, "-q", "-o", "syft-json", "--platform", platform]
    found, deeper = set(), set()
    for artifact in json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["artifacts"]:
        kind = KINDS.get(artifact["type"])
        # What a library's ELF note says it was built as is no package that is installed.
        if kind is None or artifact["foundBy"] == "elf-binary-package-cataloger":
            continue
        # rpm keeps the keys that it checks signatures with as packages of this name.
        if kind == "rpm" and artifact["name"] == "gpg-pubkey":
            continue
        row = key(kind, artifact["name"], artifact["version"])
        paths = [place["path"] for place in artifact["locations"]]
        is_deeper = kind == "npm" and not any(NODE_PACKAGE.search(path) for path in paths)
        (deeper if is_deeper else found).add(row)
    return found, deeper


def main(slim, syft, images):
    failed = False
    for image in images:
        for report in documents(slim, image):
            mine, (found, deeper) = ours(report), theirs(syft, image, report["image"]["platform"])
            # A package.json that is no package's may be an application's.
            missing, more = sorted(found - mine), sorted(mine - found - deeper)
            counts = {kind: sum(row[0] == kind for row in mine) for kind in KINDS.values()}
            said = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
            disk = report["totals"]["disk_bytes"]
            owned = sum(row["disk_bytes"] for row in report["owners"])
            print(f"{image} {report['image']['platform']}: {said or 'no packages'}; {len(missing)} only syft's, "
                  f"{len(more)} only slim's; {owned / max(disk, 1):.1%} of {disk} bytes owned")
            for name, rows in (("syft", missing), ("slim", more)):
                for row in rows:
                    print(f"  only {name}: {' '.join(row)}")
            failed |= bool(missing or more)
    return failed


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
