#!/usr/bin/env bash
# Builds a C++ server's image as it is often shipped: the compiler, the sources, .git, tests, docs and the whole CMake build
# tree in it, and a model that the server reads. Then the same sources as a person builds them in two stages. By hand, as
# root, on a Debian machine that reaches apt; it takes some minutes. docs/measured.md holds what was measured with both.
#
#   tests/cpp-server-image.sh BASE DIRECTORY
#
# BASE is an OCI layout and tag of a Debian base image: DIR:TAG. Writes cppserver-fat.docker.tar and
# cppserver-multistage.docker.tar into DIRECTORY.
set -euo pipefail
base=${1:?DIR:TAG of a Debian base image}
out=$(realpath "${2:?where the images go}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CONTAINERS_STORAGE_CONF=$work/storage.conf
printf '[storage]\ndriver = "vfs"\ngraphroot = "%s/storage"\nrunroot = "%s/run"\n' "$work" "$work" >"$CONTAINERS_STORAGE_CONF"
context=$work/context
mkdir -p "$context/app/src" "$context/app/tests" "$context/app/docs"

# 40 translation units with templates, so that objects and debug information weigh something; a model of 48 MB.
python3 - "$context/app" <<'PYTHON'
import json, random, struct, sys
app, units = sys.argv[1], 40
chance = random.Random(7)
for unit in range(units):
    functions = "\n".join(
        f"int f{unit}_{at}(int x) {{ std::map<int, std::vector<std::string>> m; for (int i = 0; i < x % 7; ++i) "
        f"m[i].push_back(std::to_string(x * {chance.randrange(99)})); return static_cast<int>(m.size()) + {at}; }}"
        for at in range(12))
    open(f"{app}/src/unit{unit}.cpp", "w").write("#include \"unit.h\"\n" + functions + "\n")
    open(f"{app}/tests/unit{unit}_test.cpp", "w").write(
        f"#include \"../src/unit.h\"\nint main() {{ return f{unit}_0(3) == 3 ? 0 : 1; }}\n")
    open(f"{app}/docs/unit{unit}.md", "w").write("what the unit does " * 900)
header = "#pragma once\n#include <map>\n#include <string>\n#include <vector>\n"
header += "".join(f"int f{unit}_{at}(int);\n" for unit in range(units) for at in range(12))
open(f"{app}/src/unit.h", "w").write(header)
open(f"{app}/src/main.cpp", "w").write(
    "#include \"unit.h\"\n#include <cstdio>\n#include <fstream>\nint main() {\n"
    "  std::ifstream model(\"/srv/app/models/net.safetensors\", std::ios::binary | std::ios::ate);\n  long sum = 0;\n"
    + "".join(f"  sum += f{unit}_1(9);\n" for unit in range(units))
    + "  std::printf(\"server ok %ld, model %ld bytes\\n\", sum, static_cast<long>(model.tellg()));\n}\n")
open(f"{app}/CMakeLists.txt", "w").write(
    "cmake_minimum_required(VERSION 3.18)\nproject(server CXX)\nset(CMAKE_BUILD_TYPE RelWithDebInfo)\n"
    "file(GLOB units src/unit*.cpp)\nadd_library(units STATIC ${units})\nadd_executable(server src/main.cpp)\n"
    "target_link_libraries(server units)\nenable_testing()\n"
    + "".join(f"add_executable(unit{unit}_test tests/unit{unit}_test.cpp)\ntarget_link_libraries(unit{unit}_test units)\n"
              for unit in range(units)))
import os
os.makedirs(f"{app}/models")
table = json.dumps({"w": {"dtype": "U8", "shape": [48_000_000], "data_offsets": [0, 48_000_000]}}).encode()
open(f"{app}/models/net.safetensors", "wb").write(struct.pack("<Q", len(table)) + table + chance.randbytes(48_000_000))
PYTHON
git -C "$context/app" init -q
git -C "$context/app" add -A
git -C "$context/app" -c user.name=a -c user.email=a@b.example commit -qm "all of it"

cat >"$context/fat" <<'DOCKERFILE'
FROM localhost/base
RUN apt-get update && apt-get install -y build-essential cmake git
COPY app /srv/app
RUN cd /srv/app && cmake -S . -B build && cmake --build build -j2
CMD ["/srv/app/build/server"]
DOCKERFILE
cat >"$context/multistage" <<'DOCKERFILE'
FROM localhost/cppserver:fat AS build
FROM localhost/base
RUN apt-get update && apt-get install -y --no-install-recommends libstdc++6 && rm -rf /var/lib/apt/lists/*
COPY --from=build /srv/app/build/server /srv/app/build/server
COPY --from=build /srv/app/models /srv/app/models
CMD ["/srv/app/build/server"]
DOCKERFILE
skopeo copy -q "oci:$base" containers-storage:localhost/base
for kind in fat multistage; do
    buildah bud --layers --isolation chroot --network host --format oci -q -f "$context/$kind" \
        -t "localhost/cppserver:$kind" "$context" >"$work/log" 2>&1 || { tail -30 "$work/log" >&2; exit 1; }
    rm -f "$out/cppserver-$kind.docker.tar"
    skopeo copy -q "containers-storage:localhost/cppserver:$kind" "docker-archive:$out/cppserver-$kind.docker.tar:cppserver:$kind"
    echo "wrote $out/cppserver-$kind.docker.tar"
done
