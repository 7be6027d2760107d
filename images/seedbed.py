#!/opt/python/bin/python
"""`seedbed` in an image: first the caches that the build filled are put where they can be written."""

import os
import shutil
from pathlib import Path

from seedbed.cli import main

BUILT = Path("/opt/seedbed/cache")


def take_over_caches() -> None:
    """Numba will not read compiled kernels from a folder that it cannot write."""
    cache = Path(os.environ["SEEDBED_CACHE"])
    if BUILT.is_dir() and not cache.exists():
        shutil.copytree(BUILT, cache)


if __name__ == "__main__":
    take_over_caches()
    main()
