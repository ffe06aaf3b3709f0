"""``python -m ischio``."""

from __future__ import annotations

import sys

from ischio.cli import main

if __name__ == "__main__":
    sys.exit(main())
