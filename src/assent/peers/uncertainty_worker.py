"""What runs inside the peers' environment: committees of torch-uncertainty and of laplace-torch, on arrays that are given.

Nothing of assent is imported here: that environment has none of it. Called as a program by `assent.peers.uncertainty_process`, with the
arrays' file, beside which it writes logits; reads a task a line, prints a row a line.
"""
# pyright: reportMissingImports=false

from __future__ import annotations

import importlib
import itertools
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

COLLECTED = 0.25
"""Share of the training, its end, in which SWAG collects, once an epoch."""

SEARCHED = 21
"""Prior precisions that laplace-torch tries on validation, from 1e-4 to 1e4, the library's own range."""

ALPHA = 2
"""Packed ensembles' width, in that of one network: the library's own default."""


class Given:
    """Arrays of one problem, as tensors.

    Attributes:
        x, y: `[n, d]` and `[n]`, to learn from.
        held_x, held_y: `[V, d]` and `[V]`, to choose settings by.
        asked: `[B, d]`, where logits are wanted: those, and the items of the test.
        steps, batch, rate: of Adam.
    """

    def __init__(self, arrays: Any) -> None:
        import torch

        self.x, self.y = torch.tensor(arrays["x"]), torch.tensor(arrays["y"])
        self.held_x, self.held_y = torch.tensor(arrays["held_x"]), torch.tensor(arrays["held_y"])
        self.asked = torch.cat([self.held_x, torch.tensor(arrays["test_x"])])
        self.classes = int(arrays["classes"])
        self.hidden = [int(width) for width in arrays["hidden"]]
        self.steps, self.batch, self.rate = int(arrays["steps"]), int(arrays["batch"]), float(arrays["rate"])
        self.decay = float(arrays["decay"])

    @property
    def sizes(self) -> dict[str, Any]:
        """Of a network, by the library's names."""
        return {"in_features": self.x.shape[1], "num_outputs": self.classes, "hidden_dims": self.hidden}


def trained(given: Given, model: Any, formed: Any = None, after_epoch: Callable[[int], None] | None = None) -> Any:
    """The model after the training: each epoch sees every item once, in a new order, but for a rest smaller than a batch."""
    import torch

    optimiser = torch.optim.AdamW(model.parameters(), lr=given.rate, weight_decay=given.decay)
    size = min(given.batch, len(given.x))
    model.train()
    done, epoch = 0, 0
    while done < given.steps:
        order = torch.randperm(len(given.x))
        for first in range(0, len(order) - size + 1, size):
            if done == given.steps:
                break
            places = order[first : first + size]
            x, y = given.x[places], given.y[places]
            if formed is not None:
                x, y = formed((x, y))
            optimiser.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(model(x), y).backward()
            optimiser.step()
            done += 1
        epoch += 1
        if after_epoch is not None:
            model.eval()
            after_epoch(epoch)
            model.train()
    return model.eval()


def deep(given: Given, members: int) -> Any:
    """`deep_ensembles` of torch-uncertainty: networks side by side, which see the same batches."""
    from torch_uncertainty.models import deep_ensembles
    from torch_uncertainty.models.mlp import mlp
    from torch_uncertainty.transforms import RepeatTarget

    return trained(given, deep_ensembles(mlp(**given.sizes), members), RepeatTarget(members))


def deep_as_ours(given: Given, members: int) -> Any:
    """The same from He's starts, as our networks have them: PyTorch's own are narrower, and their members err more alike."""
    import torch
    from torch_uncertainty.models import deep_ensembles
    from torch_uncertainty.models.mlp import mlp
    from torch_uncertainty.transforms import RepeatTarget

    model = deep_ensembles(mlp(**given.sizes), members)
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            last = layer.out_features == given.classes
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="linear" if last else "relu")
            torch.nn.init.zeros_(layer.bias)
    return trained(given, model, RepeatTarget(members))


def packed(given: Given, members: int) -> Any:
    """`packed_mlp` of torch-uncertainty: narrow networks in one of grouped layers."""
    from torch_uncertainty.models.mlp import packed_mlp
    from torch_uncertainty.transforms import RepeatTarget

    return trained(given, packed_mlp(**given.sizes, num_estimators=members, alpha=ALPHA), RepeatTarget(members))


def batch_ensemble(given: Given, members: int) -> Any:
    """`batched_mlp` of torch-uncertainty: one set of weights, and two vectors a layer for each member; every member sees every batch."""
    from torch_uncertainty.models.mlp import batched_mlp
    from torch_uncertainty.transforms import RepeatTarget

    return trained(given, batched_mlp(**given.sizes, num_estimators=members), RepeatTarget(members))


def mimo(given: Given, members: int) -> Any:
    """`mimo_mlp` of torch-uncertainty: one network with an input and an output for each member."""
    from torch_uncertainty.models.mlp import mimo_mlp
    from torch_uncertainty.transforms import MIMOBatchFormat

    return trained(given, mimo_mlp(**given.sizes, num_estimators=members), MIMOBatchFormat(members))


def swag(given: Given, members: int) -> Any:
    """`SWAG` of torch-uncertainty around the last quarter of one training."""
    from torch_uncertainty.models import SWAG
    from torch_uncertainty.models.mlp import mlp

    epochs = given.steps // max(1, len(given.x) // min(given.batch, len(given.x)))
    wrapped = SWAG(mlp(**given.sizes), round((1.0 - COLLECTED) * epochs), 1, num_estimators=members)
    return trained(given, wrapped, after_epoch=wrapped.update_wrapper)


def laplace(subset: str, structure: str) -> Callable[[Given, int], Any]:
    """A Laplace approximation by laplace-torch around one training, its prior precision by the library's search on validation (of the last
    layer), or by its marginal likelihood (of all layers).

    Members are the posterior's weights in the network that is linearised at its mean, which is the library's own advice ("glm"; of the
    last layer alone it is the network itself). Its `predictive_samples` would draw anew for each item there, and be no members.
    """

    def made(given: Given, members: int) -> Any:
        import torch
        from laplace import Laplace
        from torch.func import functional_call, jvp
        from torch.utils.data import DataLoader, TensorDataset

        layers: list[Any] = []
        for inputs, outputs in itertools.pairwise([given.x.shape[1], *given.hidden, given.classes]):
            layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
        network = trained(given, torch.nn.Sequential(*layers[:-1]))
        around = Laplace(network, "classification", subset_of_weights=subset, hessian_structure=structure)
        around.fit(DataLoader(TensorDataset(given.x, given.y), batch_size=given.batch))
        if subset == "all":  # a search takes a hundred times as long as all the rest
            around.optimize_prior_precision(method="marglik")
        else:
            held = DataLoader(TensorDataset(given.held_x, given.held_y), batch_size=len(given.held_x))
            around.optimize_prior_precision(
                method="gridsearch", pred_type="glm", link_approx="probit", val_loader=held, grid_size=SEARCHED
            )
        drawn = around.sample(members) - around.mean
        own = {name: value.detach() for name, value in network.named_parameters()}
        chosen = list(own) if subset == "all" else list(own)[-2:]

        def said(x: Any) -> Any:
            rows = []
            for direction in drawn:
                moved, place = {name: torch.zeros_like(value) for name, value in own.items()}, 0
                for name in chosen:
                    size = own[name].numel()
                    moved[name] = direction[place : place + size].reshape(own[name].shape)
                    place += size
                first, along = jvp(lambda params: functional_call(network, params, (x,)), (own,), (moved,))[:2]
                rows.append(first + along)
            return torch.cat(rows)

        return said

    return made


METHODS: dict[str, Callable[[Given, int], Any]] = {
    "torch-uncertainty deep": deep,
    "torch-uncertainty deep, He's starts": deep_as_ours,
    "torch-uncertainty packed": packed,
    "torch-uncertainty batch-ensemble": batch_ensemble,
    "torch-uncertainty mimo": mimo,
    "torch-uncertainty swag": swag,
    "laplace-torch last-layer": laplace("last_layer", "full"),
    "laplace-torch kron": laplace("all", "kron"),
}
"""By name: what makes, of what is given and a number of members, a function from items `[B, d]` to logits `[members x B, C]`."""


def main(arrays: str) -> None:
    """A row for each task: what it was, CPU seconds of the training and of an answer to all that was asked, and where its logits are."""
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    # torchvision wants operators of its compiled part, which a CPU build of torch cannot load; nothing here calls them
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    for name in ("laplace", "torch_uncertainty.models.mlp", "torch_uncertainty.transforms"):
        importlib.import_module(name)  # now, and not in the first task's seconds

    given = Given(np.load(arrays))
    for number, line in enumerate(sys.stdin):
        task = json.loads(line)
        torch.manual_seed(task["seed"])
        started = time.process_time()
        made = METHODS[task["method"]](given, task["members"])
        between = time.process_time()
        with torch.no_grad():
            logits = made(given.asked)
        ended = time.process_time()
        file = Path(arrays).with_name(f"{number}.npy")
        np.save(file, logits.reshape(-1, len(given.asked), given.classes).numpy().astype(np.float32))
        row = {**task, "train_s": between - started, "infer_s": ended - between, "logits": str(file)}
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
