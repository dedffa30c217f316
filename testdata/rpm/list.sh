#!/usr/bin/env bash
# list.sh DIRECTORY: what rpm says of the database in it, sorted. A line for each package that is no key, and one, with the
# path behind a tab, for each file that it brought: no directories (mode), no ghosts (flag 64), and nothing replaced or left
# out (state).
set -euo pipefail
export LC_ALL=C
rpm --dbpath "$(realpath "$1")" -qa --qf \
    'P %{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH}\n[%{FILEMODES:octal} %{FILEFLAGS} %{FILESTATES:fstate} %{FILENAMES}\n]' |
    awk '
        $1 == "P" { name = $2; package = substr($0, 3); if (name != "gpg-pubkey") print package; next }
        name != "gpg-pubkey" && $1 !~ /^0?4....$/ && int($2 / 64) % 2 == 0 && $3 == "normal" {
            sub(/^[^ ]* [^ ]* [^ ]* /, ""); print package "\t" $0
        }' |
    sort
