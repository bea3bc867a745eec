"""`python -m alpaca_nb.offline_teacher --port 0 --seed 17`: what `alpaca-nb teacher` runs."""

import argparse
import sys

from alpaca_nb.offline_teacher.serving import add_options, serve_as_told

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m alpaca_nb.offline_teacher")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    add_options(parser)
    sys.exit(serve_as_told(parser.parse_args()))
