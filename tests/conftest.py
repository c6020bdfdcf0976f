"""One thread and no network in every test; what machine it is must not show in the results."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("tickets", deadline=None)
settings.load_profile("tickets")
