"""The engine: guided and standard decoding of many completions at once, in plain torch.

It knows no Django. `prepare` and `load` make a checkpoint usable, `Engine` writes completions.
"""

from generation.engine.checkpoint import Loaded, Prepared, load, prepare
from generation.engine.scheduler import VERSION, Engine
from generation.engine.sources import CheckpointError

__all__ = ["VERSION", "CheckpointError", "Engine", "Loaded", "Prepared", "load", "prepare"]
