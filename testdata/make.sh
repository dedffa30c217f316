#!/usr/bin/env bash
# Makes the archives beside this file, as root, with umoci, buildah, skopeo and a docker daemon. Digests differ from run to run:
# builders write the time. Run it in an empty directory and look at the result before it replaces anything.
set -euo pipefail
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$PWD

# Two states of one small root: the second removes a file and a directory, replaces one, and makes a directory anew.
rootfs=$work/one
mkdir -p "$rootfs"/{app/__pycache__,etc,tmp,usr/share/man/man1,var/cache/apk}
chmod 1777 "$rootfs/tmp"
echo 'print("hello")' >"$rootfs/app/main.py"
echo compiled >"$rootfs/app/__pycache__/main.cpython-312.pyc"
echo keeper:x:1000:1000 >"$rootfs/etc/passwd"
ln "$rootfs/app/main.py" "$rootfs/app/linked.py"
ln -s main.py "$rootfs/app/start.py"
echo manual >"$rootfs/usr/share/man/man1/app.1"
echo index >"$rootfs/var/cache/apk/APKINDEX.tar.gz"
echo one >"$rootfs/etc/motd"
echo scratch >"$rootfs/tmp/scratch"
find "$rootfs" -exec touch -h -d @1700000000 {} +
change() {
    rm "$1/tmp/scratch"
    rm -r "$1/etc"
    mkdir "$1/etc"
    echo two >"$1/etc/motd"
    echo added >"$1/app/added.py"
}

# docker: two builds, between which one source file changes. mksh of Debian is a shell that needs nothing (mksh 59c).
builds=$work/builds
mkdir -p "$builds/src"
cp /usr/lib/diet/bin/mksh "$builds/sh"
cat >"$builds/Dockerfile" <<'END'
FROM scratch
COPY sh /bin/sh
RUN echo "flask 3.0" >/requirements.lock
ENV MODE=production
WORKDIR /app
COPY src /app/src
RUN while read -r line; do echo "$MODE: $line"; done </app/src/main.sh >/app/built.txt
CMD ["/bin/sh", "/app/src/main.sh"]
END
echo 'echo one' >"$builds/src/main.sh"
echo 'echo help' >"$builds/src/help.sh"
docker build -q --network none -t rb:1 "$builds"
echo 'echo two, and more of it' >"$builds/src/main.sh"
docker build -q --network none -t rb:2 "$builds"
docker save rb:1 rb:2 | gzip -9n >"$out/two-builds.docker.tar.gz"

# umoci: layers by `repack`
umoci init --layout "$work/layout"
umoci new --image "$work/layout:t"
umoci unpack --image "$work/layout:t" "$work/bundle"
cp -a "$rootfs/." "$work/bundle/rootfs/"
umoci repack --refresh-bundle --history.created_by "umoci: the first state" --image "$work/layout:t" "$work/bundle"
change "$work/bundle/rootfs"
umoci repack --history.created_by "umoci: the second state" --image "$work/layout:t" "$work/bundle"
umoci gc --layout "$work/layout"
tar -C "$work/layout" --owner=0 --group=0 --numeric-owner --sort=name --mtime=@1700000000 -cf "$out/umoci.oci.tar" .

# skopeo: the same image in zstd, and as a docker archive
skopeo copy -q --insecure-policy --dest-compress-format zstd "oci:$work/layout:t" "oci-archive:$out/skopeo-zstd.oci.tar:t"
skopeo copy -q --insecure-policy "oci:$work/layout:t" "docker-archive:$out/skopeo.docker.tar:testdata:skopeo"

# buildah: two commits
bud() { buildah --root "$work/storage" --runroot "$work/runroot" --storage-driver vfs "$@"; }
first=$(bud from scratch)
bud copy -q "$first" "$rootfs" /
bud config --entrypoint '["/app/main.py"]' --created-by "buildah: the first state" "$first"
bud commit -q "$first" first
second=$(bud from first)
change "$(bud mount "$second")"
bud config --created-by "buildah: the second state" "$second"
bud commit -q "$second" "oci-archive:$out/buildah.oci.tar:t"

# docker: a daemon of its own, two COPYs (no RUN: nothing in the image can run), `docker save`
context=$work/context
mkdir -p "$context"
cp -a "$rootfs" "$context/one"
mkdir -p "$context/two/etc" "$context/two/app"
echo two >"$context/two/etc/motd"
echo added >"$context/two/app/added.py"
printf 'FROM scratch\nCOPY one /\nENV A=b\nCOPY two /\nENTRYPOINT ["/app/main.py"]\n' >"$context/Dockerfile"
export DOCKER_HOST=unix://$work/docker.sock DOCKER_BUILDKIT=0 DOCKER_CONFIG=$work
dockerd --data-root "$work/docker" --exec-root "$work/exec" --pidfile "$work/pid" -H "$DOCKER_HOST" -s vfs \
    --bridge none --iptables=false >"$work/dockerd.log" 2>&1 &
daemon=$!
trap 'kill $daemon; wait $daemon || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do docker version >/dev/null 2>&1 && break || sleep 0.2; done
docker build -q -t testdata:docker "$context"
docker save -o "$out/docker-save.tar" testdata:docker
