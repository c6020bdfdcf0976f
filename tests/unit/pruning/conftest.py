import pytest
import torch

from tickets.pruning.prunable import prunable_shapes


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(1234)


@pytest.fixture
def tiny_shapes():
    """The tiny model of spec lth oracle O3: 19 tensors, 8,800 weights."""
    return prunable_shapes(hidden=20, intermediate=30, n_layers=3)


@pytest.fixture
def tiny_weights(tiny_shapes, generator):
    return {name: torch.randn(shape, generator=generator) * 0.04 for name, shape in tiny_shapes.items()}
