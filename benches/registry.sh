#!/bin/sh
# slim against skopeo on one registry of this machine, every round interleaved: layers of 300 MB up and down, with peak
# memory; and how long a second look takes. Prints tables.
#
#   benches/registry.sh
#
# SLIM     the executable measured            (target/release/slim)
# ROUNDS   times everything is run            (5)
# SIZE     bytes of a layer's one file        (300000000)
# LAYERS   how many such layers               (1)
#
# Needs docker-registry, skopeo, hyperfine, jq, GNU time and python3. What is read is random bytes in a gzip, so that no
# program is spared a byte. slim decompresses, hashes and scans what it moves, and reads what it wrote again unless told
# not to; skopeo moves blobs and checks their digests.
set -eu

cd "$(dirname "$0")/.."
SLIM=${SLIM:-${CARGO_TARGET_DIR:-target}/release/slim}
ROUNDS=${ROUNDS:-5}
export SIZE="${SIZE:-300000000}" LAYERS="${LAYERS:-1}"
scratch=$(mktemp -d)
trap 'kill $servers 2>/dev/null || true; rm -rf "$scratch"' EXIT
export HOME="$scratch/home" SLIM_CACHE="$scratch/cache" TMPDIR="$scratch"
mkdir "$HOME"

# serve NAME: a registry of its own; its address is in NAME.host
servers=
serve() {
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    cat >"$scratch/$1.yml" <<END
version: 0.1
log: {level: info}
http: {addr: "127.0.0.1:$port"}
storage: {filesystem: {rootdirectory: "$scratch/$1"}}
END
    docker-registry serve "$scratch/$1.yml" >"$scratch/$1.log" 2>&1 &
    servers="$servers $!"
    echo "127.0.0.1:$port" >"$scratch/$1.host"
}
# Two, because skopeo remembers where it saw a blob and has it mounted instead of sending it.
serve from
serve to
host=$(cat "$scratch/from.host") to=$(cat "$scratch/to.host")
sleep 1

python3 - "$scratch/src" <<'END'
import gzip, hashlib, io, json, os, sys, tarfile
out = sys.argv[1]
os.makedirs(out + "/blobs/sha256")
def blob(data):
    digest = hashlib.sha256(data).hexdigest()
    with open(f"{out}/blobs/sha256/{digest}", "wb") as file:
        file.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}
layers, ids = [], []
for number in range(int(os.environ["LAYERS"])):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        info = tarfile.TarInfo(f"data{number}")
        info.size = int(os.environ["SIZE"])
        archive.addfile(info, io.BytesIO(os.urandom(info.size)))
    tar = tar.getvalue()
    ids.append("sha256:" + hashlib.sha256(tar).hexdigest())
    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    layers.append({"mediaType": kind, **blob(gzip.compress(tar, 1, mtime=0))})
config = {"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers", "diff_ids": ids}}
config = {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(json.dumps(config).encode())}
manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": layers}
row = {"mediaType": manifest["mediaType"], **blob(json.dumps(manifest).encode()),
       "annotations": {"org.opencontainers.image.ref.name": "t"}}
for name, value in [("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", {"schemaVersion": 2, "manifests": [row]})]:
    with open(f"{out}/{name}", "w") as file:
        json.dump(value, file)
END

copy="skopeo copy --quiet --insecure-policy --src-tls-verify=false --dest-tls-verify=false"
$copy "oci:$scratch/src:t" "docker://$host/app:1"
printf '#!/bin/sh\nrm -rf "%s/new" "%s/cache" "%s/to/docker"\n' "$scratch" "$scratch" "$scratch" >"$scratch/clean"
chmod +x "$scratch/clean"

# run WHAT COMMAND: once, its time and peak memory added to what is known of WHAT
run() {
    hyperfine -N --runs 1 --style none --prepare "$scratch/clean" --export-json "$scratch/one.json" \
        "env time -a -o $scratch/$1.peak -f %M $2" >/dev/null 2>"$scratch/err" || {
        echo "failed: $2" >&2
        cat "$scratch/err" >&2
        exit 1
    }
    jq '.results[0].times[0]' "$scratch/one.json" >>"$scratch/$1.times"
}
best() { sort -n "$scratch/$1.times" | head -1; }
median() { sort -n "$scratch/$1.times" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
peak() { grep -E '^[0-9]+$' "$scratch/$1.peak" | sort -n | tail -1 | awk '{ printf "%.0f", $1 / 1024 }'; }
# row TITLE WHAT BASE: times, and how fast it is against BASE, by bests and by medians
row() {
    printf '| %s | %.2f | %.2f | %s | %.2f / %.2f |\n' "$1" "$(best "$2")" "$(median "$2")" "$(peak "$2")" \
        "$(echo "$(best "$3") $(best "$2")" | awk '{ print $1 / $2 }')" \
        "$(echo "$(median "$3") $(median "$2")" | awk '{ print $1 / $2 }')"
}

round=0
while [ $round -lt "$ROUNDS" ]; do
    round=$((round + 1))
    run skopeo-pull "$copy docker://$host/app:1 oci:$scratch/new:t"
    run slim-read "$SLIM --quiet report docker://$host/app:1"
    run slim-pull "$SLIM --quiet save docker://$host/app:1 oci:$scratch/new:t --profile none --layers keep"
    run skopeo-push "$copy oci:$scratch/src:t docker://$to/s$round:1"
    run slim-push "$SLIM --quiet push oci:$scratch/src:t docker://$to/l$round:1 --profile none --layers keep"
done

printf '| %s layer(s) of %s MB | best s | median s | peak MiB | speed ÷ skopeo: bests / medians |\n|---|---|---|---|---|\n' \
    "$LAYERS" "$((SIZE / 1000000))"
row "skopeo copy, registry to layout" skopeo-pull skopeo-pull
row "slim report, registry (fetched, decompressed, scanned; kept nowhere)" slim-read skopeo-pull
row "slim save --layers keep, registry to layout" slim-pull skopeo-pull
row "skopeo copy, layout to registry" skopeo-push skopeo-push
row "slim push --layers keep, layout to registry" slim-push skopeo-push

# A second look: nothing is cleaned before, so that the first run fills the cache.
"$SLIM" --quiet report "docker://$host/app:1" >/dev/null
hyperfine -N --warmup 2 --runs 20 --style none --export-json "$scratch/second.json" \
    "$SLIM --quiet report docker://$host/app:1" >/dev/null 2>&1
printf '\nsecond report: %s ms median, %s ms at most, of 20\n' \
    "$(jq '.results[0].median * 1000 | round' "$scratch/second.json")" \
    "$(jq '.results[0].max * 1000 | round' "$scratch/second.json")"
