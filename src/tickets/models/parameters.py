"""All parameters of a model in one flat vector, and their gradients in another.

Masking, clipping and the optimizer then touch one tensor instead of two hundred, which is most of what a step of a
small model costs beside its matrix products. Autograd adds into `.grad` in place as long as it is never set to
None, so the per-parameter gradients stay views of `grad`.
"""

from collections.abc import Collection, Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from tickets.models.layout import Shape, Span, check_fit, place


class Parameters:
    """`flat` and `grad` [total]; `leaf(name)` is what the forward pass uses, `view(name)` a named window on `flat`."""

    def __init__(
        self,
        shapes: dict[str, Shape],
        prunable: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.spans: dict[str, Span] = place(shapes)
        total = max((span.stop for span in self.spans.values()), default=0)
        self.flat = nn.Parameter(torch.zeros(total, device=device, dtype=dtype), requires_grad=False)
        self.grad = torch.zeros(total, device=device, dtype=dtype)
        self.flat.grad = self.grad
        self.prunable = prunable
        self._leaves: dict[tuple[str, ...], nn.Parameter] = {}
        self._trained: Collection[str] | None = None

    def leaf(self, *names: str) -> nn.Parameter:
        """One differentiable parameter over `names`, which must lie side by side and agree in trailing shape."""
        if names not in self._leaves:
            spans = [self.spans[name] for name in names]
            for left, right in pairwise(spans):
                if left.stop != right.start or left.shape[1:] != right.shape[1:]:
                    raise ValueError(f"{names} do not lie side by side")
            start, stop = spans[0].start, spans[-1].stop
            shape = (sum(span.shape[0] for span in spans), *spans[0].shape[1:])
            leaf = nn.Parameter(self.flat.data[start:stop].view(shape))
            leaf.grad = self.grad[start:stop].view(shape)
            leaf.requires_grad_(self._is_trained(names))
            self._leaves[names] = leaf
        return self._leaves[names]

    def train_only(self, names: Collection[str] | None) -> None:
        """Have gradients computed for these parameters alone; None: for all, as at the start."""
        self._trained = names
        for leaf_names, leaf in self._leaves.items():
            leaf.requires_grad_(self._is_trained(leaf_names))

    def _is_trained(self, names: tuple[str, ...]) -> bool:
        return self._trained is None or any(name in self._trained for name in names)

    def view(self, name: str) -> Tensor:
        """The values of one parameter, as a window on the flat vector."""
        span = self.spans[name]
        return self.flat.data[span.start : span.stop].view(span.shape)

    def load(self, values: Mapping[str, Tensor], only: set[str] | None = None) -> None:
        """Copy `values` in. Raises `TicketsError` if one is missing, unexpected or of another shape."""
        wanted = {n: span.shape for n, span in self.spans.items() if only is None or n in only}
        check_fit(values, wanted, self.spans)
        for name in wanted:
            self.view(name).copy_(values[name])

    def snapshot(self, names: set[str] | None = None) -> dict[str, Tensor]:
        """Copies, never views: a rewind to a view would copy weights onto themselves (spec lth oracle O11)."""
        return {n: self.view(n).detach().clone() for n in self.spans if names is None or n in names}
