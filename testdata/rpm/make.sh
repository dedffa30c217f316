#!/usr/bin/env bash
# Makes the databases beside this file, as root, with rpm, rpmbuild, gpg, python3 and db5.3_load (Debian: rpm gnupg db5.3-util).
# rpm itself writes the SQLite one, by installing packages made here into an empty root. Debian's rpm writes neither of the
# other forms, so convert.py makes them of the same headers: Berkeley DB with its own db5.3_load, ndb by rpm's source.
# `installed` is what rpm says it holds. Run it in an empty directory and look at the result before it replaces anything:
# rpm writes times.
set -euo pipefail
umask 022
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$PWD
root=$work/root
mkdir -p "$root" "$work/home"
export HOME=$work/home GNUPGHOME=$work/home

# package NAME ARCH FILES [TAGS]: builds one; %install makes what FILES names
package() {
    local name=$1 arch=$2 files=$3 tags=${4:-}
    {
        echo "Name: $name"
        grep -q Version: <<<"$tags" || echo "Version: 1.0"
        printf 'Release: 1.el9\nSummary: a package\nLicense: MIT\n%s\n\n%%description\n%s\n\n%%install\n' "$tags" "$name"
        while read -r kind path; do
            case $kind in
            l) target=${path#* } path=${path% *} ;;
            esac
            case $kind in
            f | c | doc | ghost) printf 'mkdir -p "%%{buildroot}%s"; echo %s >"%%{buildroot}%s"\n' "${path%/*}" "$name$path" "$path" ;;
            d) printf 'mkdir -p "%%{buildroot}%s"\n' "$path" ;;
            l) printf 'mkdir -p "%%{buildroot}%s"; ln -s %s "%%{buildroot}%s"\n' "${path%/*}" "$target" "$path" ;;
            esac
        done <<<"$files"
        printf '\n%%files\n'
        while read -r kind path; do
            case $kind in
            l) path=${path% *} ;;
            esac
            case $kind in
            f | l) echo "\"$path\"" ;;
            c) echo "%config \"$path\"" ;;
            d) echo "%dir \"$path\"" ;;
            doc | ghost) echo "%$kind \"$path\"" ;;
            esac
        done <<<"$files"
    } >"$work/$name.spec"
    rpmbuild --quiet -bb --target "$arch" --define "_topdir $work" --define '_binary_payload w9.gzdio' \
        --define '__os_install_post %{nil}' --nodeps "$work/$name.spec" >"$work/log" 2>&1 || {
        cat "$work/log"
        exit 1
    }
}

package filesystem noarch $'d /usr\nd /usr/bin\nd /etc\nl /bin usr/bin'
# Built before /usr was merged: it speaks of /bin/sh.
package bash x86_64 $'f /bin/sh\nf /usr/bin/bash\nc /etc/profile\ndoc /usr/share/doc/bash/README\nghost /var/log/bash.log' $'Epoch: 2\nVersion: 5.2'
package zero x86_64 $'f /usr/bin/zero\nl /usr/bin/nil zero' 'Epoch: 0'
package "lib+c++" x86_64 $'f /usr/lib64/libc++.so.1\nf /usr/share/gruß/ein name mit raum' 'Version: 13~rc1^git5'
package empty noarch ''
package removed noarch $'f /usr/bin/removed\nf /usr/share/removed'
package many noarch "$(for n in {1..150}; do echo "f /usr/share/many/$((n % 7))/file-$n.txt"; done)"
for n in {1..12}; do package "small-$n" noarch "f /usr/share/small/$n"; done

gpg --quiet --batch --passphrase '' --quick-gen-key 'a key <key@example.org>' rsa2048 2>/dev/null
gpg --quiet --armor --export >"$work/key"

install() { rpm --root "$root" --define '_dbpath /var/lib/rpm' --nosignature --nodeps --excludedocs -i "$@"; }
install "$work"/RPMS/noarch/filesystem-*.rpm
install "$work"/RPMS/*/{bash,zero,lib,empty,removed,many}*.rpm
rpm --root "$root" --define '_dbpath /var/lib/rpm' --import "$work/key"
install "$work"/RPMS/noarch/small-*.rpm
rpm --root "$root" --define '_dbpath /var/lib/rpm' -e removed

database=$root/var/lib/rpm/rpmdb.sqlite
python3 "$here/convert.py" "$database" "$work"
"$here/list.sh" "$root/var/lib/rpm" >"$out/installed"
for name in "$database" "$work"/{Packages.db,Packages.little,Packages.big}; do
    gzip -9n <"$name" >"$out/${name##*/}.gz"
done
