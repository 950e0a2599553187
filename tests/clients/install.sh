#!/usr/bin/env bash
# Installs the two unmodified clients: install.sh FOLDER makes FOLDER/fink-12 and FOLDER/fink-11.
# Safe to run again, also after an interruption and side by side: a venv counts as ready only once its
# stamp, written last, holds the hash of its requirements and of this script.
set -euo pipefail

fail() { echo "install.sh: $*" >&2; exit 1; }

[ $# -eq 1 ] || fail "usage: install.sh FOLDER"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)

command -v python3.11 >/dev/null || fail "python3.11 is missing: install Python 3.11 (e.g. apt install python3.11 python3.11-venv)"
python3.11 -c 'import venv, ensurepip' 2>/dev/null || fail "python3.11 has no venv or pip: apt install python3.11-venv"

exec 9>"$folder/.lock"
flock 9

install_client() {
    local venv="$folder/fink-$1" requirements="$here/requirements-$1.txt" stamp
    shift
    stamp=$(cat "$requirements" "${BASH_SOURCE[0]}" | sha256sum | cut -d' ' -f1)
    [ "$(cat "$venv/.stamp" 2>/dev/null)" = "$stamp" ] && return
    rm -rf "$venv"
    python3.11 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --no-deps --disable-pip-version-check -r "$requirements" \
        || fail "pip could not install $requirements"
    for command in "$@"; do
        HOME="$venv" "$venv/bin/$command" --help >/dev/null || fail "$command does not start"
    done
    echo "$stamp" >"$venv/.stamp"
}

install_client 12 finkctl
install_client 11 fink_client_register fink_datatransfer
