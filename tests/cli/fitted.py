"""`python -m tests.cli.fitted SCENE ...`: assent, with the preset `digits` taken from a file instead of fitted."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from assent.cli import main
from assent.presets.catalogue import PRESETS

if __name__ == "__main__":
    scene = pickle.loads(Path(sys.argv.pop(1)).read_bytes())
    PRESETS["digits"] = lambda seed: scene
    main()
