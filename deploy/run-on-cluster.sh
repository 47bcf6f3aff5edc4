#!/usr/bin/env bash
# Start a Dask scheduler and workers on loopback, run a study on them, and stop them.
#
#     deploy/run-on-cluster.sh STUDY.toml [WORKERS] [CERTIFICATES]
#
# With a folder of certificates (made when it is not there) all connections are encrypted.
set -euo pipefail
study=$(realpath "$1") workers=${2:-2} certificates=${3:+$(realpath -m "$3")} protocol=tcp
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ -n "$certificates" ]; then
  . deploy/tls.sh "$certificates"
  protocol=tls
fi
export NUMBA_NUM_THREADS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
python=${PYTHON:-python}
room=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$room"' EXIT

"$python" -m distributed.cli.dask_scheduler --protocol "$protocol" --host 127.0.0.1 --port 0 \
  --dashboard-address 127.0.0.1:0 --scheduler-file "$room/scheduler.json" 2>"$room/scheduler.log" &
"$python" -m distributed.cli.dask_worker --scheduler-file "$room/scheduler.json" --host 127.0.0.1 \
  --nworkers "$workers" --nthreads 1 --dashboard-address 127.0.0.1:0 2>"$room/worker.log" &
while [ ! -s "$room/scheduler.json" ]; do sleep 0.2; done
address=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["address"])' "$room/scheduler.json")

"$python" -m sneuron run "$study" --scheduler "$address"
