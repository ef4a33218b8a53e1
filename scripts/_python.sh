# Sourced by run and test: find a Python that the product supports, make .venv, install. Needs bash.
fail() { echo "$*" >&2; exit 78; }

find_python() {
    local candidate
    for candidate in "${MINER_PYTHON:-}" python3.12 python3.11 python3 python; do
        [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
        if "$candidate" -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 12)))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "ntrk-miner needs Python 3.11 or 3.12: scispaCy depends on nmslib-metabrainz, which has no wheel for 3.13 yet." \
         "Found: $(python3 --version 2>&1). Install one of them, or name it with MINER_PYTHON=/path/to/python3.12."
}

# install EXTRAS: the project with its extras into .venv; does nothing where that was done for this pyproject.toml before.
install() {
    local extras=$1 stamp=.venv/.installed-$1 python
    [ -x .venv/bin/python ] && [ -f "$stamp" ] && [ "$stamp" -nt pyproject.toml ] && return
    python=$(find_python) || exit $?
    if command -v uv >/dev/null 2>&1; then
        [ -x .venv/bin/python ] || uv venv --quiet --python "$python" .venv
        uv pip install --quiet --python .venv/bin/python --editable ".[$extras]"
    else
        [ -x .venv/bin/python ] || "$python" -m venv .venv
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extras]"
    fi
    touch "$stamp"
}
