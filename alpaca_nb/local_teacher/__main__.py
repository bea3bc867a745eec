"""`python -m alpaca_nb.local_teacher --model smollm2-135m --port 0`: what `alpaca-nb teacher --model` runs."""

import argparse
import sys

from alpaca_nb.local_teacher.serving import serve
from alpaca_nb.prices import LOCAL_MODELS

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m alpaca_nb.local_teacher")
    parser.add_argument("--model", choices=LOCAL_MODELS, default=LOCAL_MODELS[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    sys.exit(serve(options.model, options.port, threads=options.threads))
