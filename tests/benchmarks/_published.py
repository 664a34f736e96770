"""Public implementations of the losses: where each is, and how it is built and called on a CPU as it is."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor, distributed, nn

ONE_PROCESS = SimpleNamespace(
    ReduceOp=distributed.ReduceOp,
    is_initialized=lambda: True,
    get_rank=lambda: 0,
    get_world_size=lambda: 1,
    all_gather=lambda parts, own: parts[0].copy_(own),
    reduce_scatter=lambda own, parts: own.data.copy_(parts[0]),
    all_reduce=mock.MagicMock(),
    reduce=mock.MagicMock(),
)
CPU = {"device": lambda *_: "cpu", "cuda": mock.MagicMock(**{"device_count.return_value": 1})}
VPL = {"start_iters": 8000, "allowed_delta": 200, "lambda": 0.15, "mode": 0}
UNPG = {"arcface": {"s": 64, "m": 0.5}, "unpg": {"wisk": 1.5}}


def softmax(outputs: Any, labels: Tensor) -> tuple[Any, ...]:
    return F.cross_entropy(outputs[0] if isinstance(outputs, tuple) else outputs, labels), outputs


def margin(m: Any, m2: float, m3: float) -> Any:
    return load(Path(m.__file__).parents[1] / "arcface_torch/losses.py").CombinedMarginLoss(64, 1, m2, m3)


def magface(parts: Any, x: Tensor, y: Tensor) -> tuple[Any, ...]:
    outputs, norms = parts[0](x, lambda norm: 0.45 + 0.0035 * (norm - 10), 10, 110)
    value, regular, one_hot = parts[1](outputs, y, norms)
    return value + 35 * regular, outputs, one_hot


def vpl(head: Any, x: Tensor, y: Tensor) -> Tensor:
    """The class makes its gradients itself; here they enter autograd as those of a product."""
    head._iters = 9000
    head.queue_iters.fill_(9000)
    rows = F.normalize(x)
    gradient, _value = head.forward_backward(y, rows, torch.optim.SGD(head.parameters()), None)
    return (rows * gradient.detach()).sum()


def unpg(m: Any, b: int, c: int, d: int) -> Any:
    m.yaml = SimpleNamespace(load=lambda *_, **__: UNPG, FullLoader=None)
    return m.HeadAndLoss(d, c, None, "arcface", "unpg", os.devnull)


def load(path: Path) -> ModuleType:
    """Import a file from its folder, with mocks of modules that are missing here, one process and no GPU."""
    package = ModuleType("published_" + "".join(c if c.isalnum() else "_" for c in str(path.parent)))
    package.__path__ = [str(path.parent)]
    sys.modules[package.__name__] = package
    module = None
    while module is None:
        try:
            with mock.patch("numpy.deprecate", create=True):  # gone from numpy 2
                module = import_module(f"{package.__name__}.{path.stem}")
        except ModuleNotFoundError as missing:
            sys.modules[str(missing.name)] = mock.MagicMock()
    vars(module).update(torch=SimpleNamespace(**vars(torch) | CPU), dist=ONE_PROCESS, distributed=ONE_PROCESS)
    return module


# fmt: off
# Head; repository, revision measured and file; how its class is built; its loss, and what is held beside it.
EACH = (
    ("sphereface", "ydwen/opensphere", "a679e82", "opensphere/module/head/sphereface.py",
     lambda m, b, c, d: m.SphereFace(d, c), lambda h, x, y: h(x, y)),
    ("sphereface", "clcarwin/sphereface_pytorch", "e2f11f0", "net_sphere.py",
     lambda m, b, c, d: nn.ModuleList([m.AngleLinear(d, c), m.AngleLoss()]),
     lambda h, x, y: (h[1](out := h[0](x), y), out)),
    ("cosface", "ydwen/opensphere", "a679e82", "opensphere/module/head/cosface.py",
     lambda m, b, c, d: m.CosFace(d, c), lambda h, x, y: h(x, y)),
    ("cosface", "deepinsight/insightface", "7fadd42", "recognition/arcface_torch/partial_fc_v2.py",
     lambda m, b, c, d: m.PartialFC_V2(margin(m, 0, 0.4), d, c), lambda h, x, y: h(x, y)),
    ("arcface", "deepinsight/insightface", "7fadd42", "recognition/arcface_torch/partial_fc_v2.py",
     lambda m, b, c, d: m.PartialFC_V2(margin(m, 0.5, 0), d, c), lambda h, x, y: h(x, y)),
    ("arcface", "deepinsight/insightface", "7fadd42", "recognition/arcface_torch/losses.py",
     lambda m, b, c, d: nn.ModuleList([nn.Linear(d, c, False), m.CombinedMarginLoss(64, 1, 0.5, 0)]),
     lambda h, x, y: softmax(
         h[1](F.linear(F.normalize(x), F.normalize(h[0].weight)).clamp(-1, 1), y), y)[0]),
    ("mvsoftmax", "xiaoboCASIA/SV-X-Softmax", "89b536d", "fc_layers.py",
     lambda m, b, c, d: m.FC(embedding_size=d, num_class=c),
     lambda h, x, y: softmax(h(F.normalize(x), y), y)[0]),
    ("curricularface", "HuangYG123/CurricularFace", "68c8727", "head/metrics.py",
     lambda m, b, c, d: m.CurricularFace(d, c), lambda h, x, y: softmax(h(x, y), y)),
    ("adaface", "mk-minchul/AdaFace", "c60eaa7", "head.py",
     lambda m, b, c, d: m.AdaFace(d, c, t_alpha=0.01),
     lambda h, x, y: softmax(h(F.normalize(x), x.norm(dim=1, keepdim=True), y), y)[0]),
    ("magface", "IrvingMeng/MagFace", "99bae61", "models/magface.py",
     lambda m, b, c, d: nn.ModuleList([m.MagLinear(d, c), m.MagLoss(10, 110, 0.45, 0.8)]), magface),
    ("uniface", "CVI-SZU/UniFace", "00ade47", "head.py",
     lambda m, b, c, d: m.Unified_Cross_Entropy_Loss(d, c),
     lambda h, x, y: h(x, y, torch.arange(h.out_features))),
    ("unitsface", "CVI-SZU/UniTSFace", "a53e97e", "head.py",
     lambda m, b, c, d: nn.ModuleList([m.Unified_Cross_Entropy_Loss(d, c),
                                       m.Unified_Threshold_Integrated_Sample_to_Sample_Loss(d, c)]),
     lambda h, x, y: h[0](x, y) + h[1](x, y)),
    ("epl", "WakingHours-GitHub/EPL", "ef1d7f7", "head_EPL.py",
     lambda m, b, c, d: m.CosFace_EPL(d, c), lambda h, x, y: h(x, y, 9)),
    ("vpl", "deepinsight/insightface", "7fadd42", "recognition/vpl/vpl.py",
     lambda m, b, c, d: m.VPL(0, 0, 1, b, False, margin(m, 0.5, 0), c, embedding_size=d, cfg=VPL), vpl),
    ("unpg", "Jung-Jun-Uk/UNPG", "a6f9c17", "recognition/models/build.py", unpg, lambda h, x, y: h(x, y)),
)
# fmt: on
