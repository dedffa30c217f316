#!/usr/bin/env python3
"""The table of docs/before-after.md: large images as they are, squashed, and slimmed, beside what people built in stages.

    tests/before-after.py target/release/slim IMAGES > table.md

IMAGES holds what the shared corpus's make_images.sh and tests/cpp-server-image.sh make. Every result is verified by slim
itself; the deepest is restored from its leftovers and compared with the original, path by path.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

# Name, the image, its own profiles, what goes beyond, and the same application as a person built it in stages.
IMAGES = [
    ("pysvc-alpine-fat", "oci:{}/pysvc-alpine-fat.oci:fat", "python alpine", "--remove build-tools", None),
    ("nodeapp-fat", "oci:{}/nodeapp-fat.oci:fat", "node debian", "--remove-package npm", None),
    ("mlapp-single", "oci:{}/mlapp-single.oci:single", "ml debian", "--profile aggressive --remove build-tools",
     "oci:{}/mlapp-multistage.oci:multistage"),
    ("cppserver-fat", "docker-archive:{}/cppserver-fat.docker.tar", "cpp-server", "--profile aggressive --remove build-tools",
     "docker-archive:{}/cppserver-multistage.docker.tar"),
    ("bookworm (multiarch)", "oci:{}/multiarch.oci:bookworm", "debian", "--profile aggressive", None),
]


class Slim:
    def __init__(self, program, scratch):
        self.program, self.scratch = os.path.abspath(program), scratch

    def __call__(self, *words):
        environment = dict(os.environ, SLIM_CACHE=os.path.join(self.scratch, "cache"))
        done = subprocess.run([self.program, *words, "-q", "--platform", "linux/amd64"], cwd=self.scratch,
                              env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"slim {' '.join(words)}: {done.returncode}\n{done.stderr}{done.stdout}")
        return done.stdout

    def sizes(self, image):
        totals = json.loads(self("report", image, "--format", "json"))["totals"]
        return totals["disk_bytes"], totals["wire_bytes_estimate"], totals["wire_bytes"] is None

    def write(self, image, words, leftovers=None):
        shutil.rmtree(os.path.join(self.scratch, "out"), ignore_errors=True)
        more = ["--leftovers", leftovers] if leftovers else []
        written = json.loads(self("save", image, "oci:out:t", "--format", "json", *words.split(), *more))
        return written["disk_bytes"]["after"], written["wire_bytes"]["after"], False


def restored(slim, image, words):
    for name in ("left", "back"):
        shutil.rmtree(os.path.join(slim.scratch, name), ignore_errors=True)
    deep = slim.write(image, words, "oci:left:t")
    slim("restore", "oci:out:t", "oci:back:t", "--leftovers", "oci:left:t")
    slim("verify", image, "oci:back:t", "--profile", "none")
    return deep, slim.sizes("oci:left:t")


def cell(sizes):
    if sizes is None:
        return "–"
    disk, wire, is_estimate = sizes
    return f"{disk / 1e6:.1f} / {'≈ ' if is_estimate else ''}{wire / 1e6:.1f}"


def main():
    program, images = sys.argv[1], os.path.abspath(sys.argv[2])
    print("| image | as it is | squashed | `default` | its profiles | deep | less | leftovers | in stages, by a person |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(dir=images) as scratch:
        slim = Slim(program, scratch)
        for name, image, profiles, deep, stages in IMAGES:
            image = image.format(images)
            own = " ".join(f"--profile {profile}" for profile in profiles.split())
            before = slim.sizes(image)
            plain, default = (slim.write(image, f"--profile {profile}") for profile in ("none", "default"))
            profiled = slim.write(image, own)
            deepest, left = restored(slim, image, f"{own} {deep} --strip")
            human = slim.sizes(stages.format(images)) if stages else None
            less = 100 * (1 - deepest[0] / before[0])
            cells = [cell(sizes) for sizes in (before, plain, default, profiled, deepest)]
            print(f"| {name} | {' | '.join(cells)} | {less:.0f} % | {cell(left)} | {cell(human)} |", flush=True)


main()
