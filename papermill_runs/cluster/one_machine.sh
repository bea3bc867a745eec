#!/usr/bin/env bash
# What each machine does when several fine-tune one model together; slurm.sbatch and skypilot.yaml call it.
#
#   MASTER_ADDR=ADDRESS one_machine.sh RUN_DIR RECIPE NODES NUMBER GPUS
#
# NODES machines, of which this is NUMBER (from 0); ADDRESS is that of number 0. GPUS of each machine are used.
# They meet at MASTER_PORT of number 0, by default 29500.
# The first machine runs notebook 03, the others only training processes; they wait for the first one for an hour.
# RUN_DIR must hold dataset.json and be the same folder on all machines (see README.md here).
set -euo pipefail
run_dir=$1 recipe=$2 nodes=$3 number=$4 gpus=$5
export MASTER_ADDR MASTER_PORT="${MASTER_PORT:-29500}"
repository=$(cd "$(dirname "$0")/../.." && pwd)
command -v alpaca-nb > /dev/null || PATH="$repository/.venv/bin:$PATH"

if [ "$number" -eq 0 ]; then
    exec alpaca-nb run "$recipe" --run-dir "$run_dir" --from 03 --until 03 \
        -p number_of_processes="$gpus" -p nodes="$nodes"
fi
exec python -m torch.distributed.run --nnodes "$nodes" --node-rank "$number" \
    --master-addr "$MASTER_ADDR" --master-port "$MASTER_PORT" --rdzv-conf timeout=3600 --nproc-per-node "$gpus" \
    -m alpaca_nb.finetuning.train --finetuning-folder "$(realpath -m "$run_dir")/finetuning"
