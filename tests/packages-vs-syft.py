#!/usr/bin/env python3
"""packages-vs-syft.py SLIM SYFT IMAGE FLAGS…: what syft finds after packages went, against what slim said goes.

IMAGE is `oci:DIR:TAG` with one platform. Saves it with the flags into a temporary layout, squashed, and asks syft for the
deb, apk, PyPI, npm and gem packages before and after: the list after must be the list before without `packages[]` of the
plan, exactly. Prints a line and each difference; exit code 1 where there is any.
"""
import json
import re
import subprocess
import sys
import tempfile

KINDS = {"deb": "deb", "apk": "apk", "python": "pypi", "gem": "gem", "npm": "npm"}
NODE_PACKAGE = re.compile(r"(^|/)node_modules/(@[^/]+/)?[^/.@][^/]*/package\.json$")


def key(kind, name, version):
    return kind, re.sub("[-_.]+", "-", name).lower() if kind == "pypi" else name, version


def found(syft, layout):
    command = [syft, "scan", f"oci-dir:{layout}", "-q", "-o", "syft-json"]
    artifacts = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["artifacts"]
    return {key(KINDS[one["type"]], one["name"], one["version"]) for one in artifacts if counts(one)}


def counts(artifact):
    """As in owners-vs-syft.py: of npm what is a directory of a node_modules, no ELF notes."""
    if artifact["type"] == "npm":
        return any(NODE_PACKAGE.search(place["path"]) for place in artifact["locations"])
    return artifact["type"] in KINDS and artifact["foundBy"] != "elf-binary-package-cataloger"


def main(slim, syft, image, flags):
    plan = subprocess.run([slim, "plan", image, *flags, "--format", "json"], check=True, capture_output=True)
    plan = json.loads(plan.stdout)
    gone = {key(row["kind"], row["name"], row["version"]) for row in plan["packages"]}
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([slim, "save", image, f"oci:{scratch}/out:t", *flags, "-q"], check=True, capture_output=True)
        before, after = found(syft, image.split(":")[1]), found(syft, f"{scratch}/out")
    want = before - gone
    more, missing = sorted(after - want), sorted(want - after)
    # What syft never saw: the same package twice under two names, say.
    unseen = sorted(gone - before)
    sizes = plan["before"]["disk_bytes"], plan["modes"]["squash"]["disk_bytes"]
    print(f"{image} {' '.join(flags)}: {len(before)} packages, {len(gone)} go, {len(after)} after; "
          f"{len(more)} too many, {len(missing)} too few; {sizes[0]} → {sizes[1]} bytes, -{1 - sizes[1] / sizes[0]:.1%}")
    for word, rows in (("too many", more), ("too few", missing), ("not seen by syft", unseen)):
        for row in rows:
            print(f"  {word}: {' '.join(row)}")
    return bool(more or missing)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
