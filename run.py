"""The front door: `python run.py --config configs/EXP-3333.yaml`."""

import sys

from cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
