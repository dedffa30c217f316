#!/usr/bin/env bash
# Runs each large image that the shared corpus's make_images.sh made, and tests/cpp-server-image.sh, before and after
# slimming, and restored from its leftovers, in a real engine, and prints a Markdown table: did it print the same line,
# and what did it lose. By hand, as root: it takes some minutes and 10 GB of disk. docs/measured.md holds what it printed.
#
#   tests/engine-runs.sh SLIM IMAGES_DIRECTORY [BEGINNING_OF_A_ROW]
#
# The engine is its own: everything below a temporary directory, no network, stopped at the end.
set -euo pipefail
slim=$(realpath "${1:?the executable}")
images=$(realpath "${2:?the directory of the images}")
only=${3:-}
scratch=$(mktemp -d)
export DOCKER_HOST=unix://$scratch/docker.sock

dockerd --data-root "$scratch/data" --exec-root "$scratch/exec" -p "$scratch/pid" -H "$DOCKER_HOST" \
    --storage-driver overlay2 --iptables=false --ip6tables=false --bridge=none --ip-forward=false --ip-masq=false \
    --oom-score-adjust 0 >"$scratch/dockerd.log" 2>&1 &
engine=$!
cleanup() {
    kill "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
    rm -rf "$scratch"
}
trap cleanup EXIT
for _ in $(seq 100); do
    docker version >/dev/null 2>&1 && break
    sleep 0.2
done

# said ARCHIVE: the last line that the image in a docker archive prints
said() {
    local id
    id=$(docker load --quiet --input "$1" | sed 's/^Loaded image\( ID\)\?: //' | tail -1)
    { timeout 300 docker run --rm --network none "$id" 2>&1 || echo "exit $?"; } | tail -1
    docker image rm --force "$id" >/dev/null
}

echo "| image | profiles | on disk | after | less | prints | the same |"
echo "|---|---|---:|---:|---:|---|---|"
result=0
# A row is an image and words: profiles, +WORD for `--remove WORD`, flags.
while read -r image profiles; do
    archive=$images/$image.docker.tar
    [[ -f $archive && "$image $profiles" == "$only"* ]] || continue
    before=$(said "$archive")
    for layers in squash keep; do
        flags=()
        for word in $profiles; do
            case $word in
                --*) flags+=("$word") ;;
                +*) flags+=(--remove "${word#+}") ;;
                *) flags+=(--profile "$word") ;;
            esac
        done
        rm -f "$scratch/"{out,left,back}.tar
        "$slim" save "docker-archive:$archive" "docker-archive:$scratch/out.tar:slim:$layers" "${flags[@]}" \
            --layers "$layers" --leftovers "oci-archive:$scratch/left.tar" --format json --quiet -o "$scratch/out.json"
        after=$(said "$scratch/out.tar")
        same=yes
        [[ $before == "$after" ]] || { same="**no**: $after" && result=1; }
        if [[ $layers == squash ]]; then
            "$slim" restore --quiet "docker-archive:$scratch/out.tar" "docker-archive:$scratch/back.tar:back:1" \
                --leftovers "oci-archive:$scratch/left.tar" >/dev/null
            restored=$(said "$scratch/back.tar")
            [[ $before == "$restored" ]] && same+=", restored too" || { same+=", restored **no**: $restored" && result=1; }
        fi
        python3 - "$scratch/out.json" "$image" "$profiles, $layers" "$before" "$same" <<'PYTHON'
import json, sys
path, image, how, line, same = sys.argv[1:]
disk = json.load(open(path))["disk_bytes"]
before, after = disk["before"], disk["after"]
print(f"| {image} | {how} | {before/1e6:.1f} MB | {after/1e6:.1f} MB | {1-after/before:.1%} | `{line}` | {same} |", flush=True)
PYTHON
    done
done <<'IMAGES'
pysvc-alpine-fat default
pysvc-alpine-fat python alpine
pysvc-alpine-fat aggressive
nodeapp-fat default
nodeapp-fat node
nodeapp-fat aggressive
mlapp-single default
mlapp-single ml debian
mlapp-single aggressive
mlapp-single aggressive +build-tools
mlapp-single aggressive +build-tools --strip
mlapp-multistage default
cppserver-fat cpp-server
cppserver-fat cpp-server --strip
IMAGES
exit "$result"
