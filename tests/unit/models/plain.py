"""benchmarks/plain_mask_training.py, for tests to compare with."""

import importlib.util
from pathlib import Path

_FILE = Path(__file__).parents[3] / "benchmarks" / "plain_mask_training.py"
_spec = importlib.util.spec_from_file_location("plain_mask_training", _FILE)
plain_mask_training = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain_mask_training)
PlainMaskTraining = plain_mask_training.PlainMaskTraining
