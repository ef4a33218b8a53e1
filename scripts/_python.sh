# Sourced by run, test and .ci/run: find a Python that the product supports, make .venv, install. Needs bash.
fail() { echo "$*" >&2; exit 78; }

# Taken out of the environment: the program reads every MINER_… there as a setting and refuses what it does not know.
wanted=${MINER_PYTHON:-}
unset MINER_PYTHON

supported() { "$1" -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 12)))' >/dev/null 2>&1; }

refuse() {
    fail "ntrk-miner needs Python 3.11 or 3.12: scispaCy depends on nmslib-metabrainz, which has no wheel for 3.13 yet." \
         "$1 Install one of them, or name it: MINER_PYTHON=/path/to/python3.12 $0"
}

find_python() {
    local candidate
    if [ -n "$wanted" ]; then
        supported "$wanted" || refuse "MINER_PYTHON=$wanted is $("$wanted" --version 2>&1)."
        command -v "$wanted"
        return
    fi
    for candidate in python3.12 python3.11 python3 python "$(uv python find --no-python-downloads '>=3.11,<3.13' 2>/dev/null)"; do
        if [ -n "$candidate" ] && supported "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    refuse "Found: $(python3 --version 2>&1)."
}

# install EXTRAS: the project with its extras into .venv; does nothing where that was done for this pyproject.toml before.
install() {
    local extras=$1 stamp=.venv/.installed-${1//,/-} python log
    [ -x .venv/bin/python ] && ! supported .venv/bin/python && refuse "The one in .venv is $(.venv/bin/python --version 2>&1): remove .venv."
    [ -x .venv/bin/python ] && [ "$stamp" -nt pyproject.toml ] && return
    if [ ! -x .venv/bin/python ]; then
        python=$(find_python) || exit $?
        echo "making .venv with $("$python" --version) and installing ntrk-miner[$extras], which takes about a minute" >&2
        if command -v uv >/dev/null 2>&1; then uv venv --quiet --python "$python" .venv; else "$python" -m venv .venv; fi
    fi
    log=$(mktemp)
    if command -v uv >/dev/null 2>&1; then
        uv pip install --quiet --compile-bytecode --python .venv/bin/python --editable ".[$extras]" 2>"$log"
    else
        .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extras]" 2>"$log"
    fi || { cat "$log" >&2; rm -f "$log"; fail "the installation failed; the lines above say why"; }
    rm -f "$log"
    touch "$stamp"
}
