#!/bin/sh
# Makes a virtual environment and installs r1 into it. `make setup` calls this with PYTHON, VENV, EXTRAS, GPU,
# TORCH_INDEX and CONSTRAINTS set; the Makefile says what they mean.
set -eu

say() { echo "setup: $*"; }

usable='import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))'
find_python() {
    tried=
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$name" -c "$usable" >/dev/null 2>&1; then
            echo "$name"
            return
        fi
        tried="$tried $name ($("$name" --version 2>/dev/null || echo 'not found'));"
    done
    echo "setup: r1 needs Python 3.11 to 3.14 with its venv module, and found none. Tried:$tried" >&2
    echo "setup: install one (Debian, Ubuntu: apt install python3 python3-venv) or \`make setup PYTHON=/path/to/it\`." >&2
    exit 1
}

pip() { "$VENV/bin/python" -m pip --disable-pip-version-check "$@"; }

# On Linux the torch of PyPI brings several GB of CUDA packages. Without a GPU, the same version built for CPUs is
# put in first, and the resolver then leaves it alone: from pip's own sources if one has it, else from TORCH_INDEX.
# With a GPU it must be the build with CUDA, also after an earlier setup without one: `===` matches no `+cpu`.
install_torch() {
    version=$(sed -n 's/^torch==//p' "$CONSTRAINTS")
    installed=$("$VENV/bin/python" -c 'from importlib.metadata import version as v; print(v("torch"))' 2>/dev/null || true)
    case "$(uname -s)/$GPU/$installed" in
        Linux/0/"$version"*) ;;
        Linux/0/*)
            pip install -qq --no-deps "torch==$version+cpu" 2>/dev/null && return
            if [ -n "$TORCH_INDEX" ]; then
                say "torch $version for CPUs comes from $TORCH_INDEX"
                pip install -qq --no-deps --retries 1 --timeout 20 --index-url "$TORCH_INDEX" \
                    "torch==$version+cpu" 2>/dev/null && return
            fi
            say "NOTE: no torch $version for CPUs could be reached, so the build with CUDA follows (several GB; it runs" \
                "on CPUs too). TORCH_INDEX=URL names a mirror."
            ;;
        Linux/1/ | Linux/1/*+cpu)
            say "torch $version comes with CUDA (several GB)"
            pip install -qq --no-deps "torch===$version"
            ;;
    esac
}

if ! pip --version >/dev/null 2>&1; then # none yet, or one that was interrupted
    python=$(find_python)
    say "making $VENV with $("$python" --version)"
    "$python" -m venv --clear "$VENV"
fi
rm -f "$VENV"/ready-*
say "installing r1[dev${EXTRAS:+,$EXTRAS}] with $CONSTRAINTS (a few minutes the first time)"
pip install -qq -c "$CONSTRAINTS" pip
install_torch
pip install -qq -c "$CONSTRAINTS" -e ".[dev${EXTRAS:+,$EXTRAS}]"
echo "$EXTRAS" >"$VENV/r1-extras"
echo "$GPU" >"$VENV/r1-gpu"
say "done: $VENV/bin/r1"
