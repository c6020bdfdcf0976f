import pytest
import torch

from tickets.errors import TicketsError
from tickets.pruning.magnitude import one_shot
from tickets.pruning.registry import METHODS, method


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.7, 1.0])
def test_every_method_prunes_exactly(tiny_weights, name, sparsity):
    mask = method(name)(tiny_weights, sparsity, torch.Generator().manual_seed(0))
    assert mask.total - mask.kept == round(sparsity * 8800)
    assert list(mask) == list(tiny_weights)


def test_magnitude_ignores_the_seed_and_random_does_not(tiny_weights):
    def run(name, seed):
        return method(name)(tiny_weights, 0.5, torch.Generator().manual_seed(seed))

    assert run("magnitude", 1) == run("magnitude", 2) == one_shot(tiny_weights, 0.5)
    assert run("random", 1) == run("random", 1)
    assert run("random", 1) != run("random", 2)


def test_unknown_method():
    with pytest.raises(TicketsError, match=r"not one of magnitude, random\. Did you mean 'magnitude'"):
        method("magnitud")
    with pytest.raises(TicketsError, match="Choose one of them"):
        method("xyzzy")
