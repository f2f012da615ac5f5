#!/bin/sh
# Records golden cases with the real CNTK 2.7 into this folder, or into $GOLDEN_DESTINATION.
#
#   BRIDGE_CNTK_PYTHON        the Python 3.6 that has CNTK (golden/README.md says how to get one)
#   BRIDGE_CNTK_LIBRARY_PATH  the folder with libmpi.so.12 and libmpi_cxx.so.1; may be empty where the system has them
#   DIGITS_PYTHON             a current Python with scikit-learn, asked for the digits once; default: python3
#
# Arguments go to the recorder: --only TEXT records a part, --list records nothing.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
: "${BRIDGE_CNTK_PYTHON:?set it to the Python 3.6 that has CNTK}"
data=$here/../build/golden-data
if [ ! -f "$data/digits.npz" ]; then
    mkdir -p "$data"
    "${DIGITS_PYTHON:-python3}" "$here/recorder/export_digits.py" "$data"
fi
destination=${GOLDEN_DESTINATION:-$here}
case $destination in /*) ;; *) destination=$PWD/$destination ;; esac
cd "$here"
LD_LIBRARY_PATH=${BRIDGE_CNTK_LIBRARY_PATH:-}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
    exec "$BRIDGE_CNTK_PYTHON" -B -W ignore -m recorder "$destination" --data "$data" "$@"
