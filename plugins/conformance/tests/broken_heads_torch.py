"""The classes of `broken_heads.py`: a sound head, and what breaks it in one way each."""

from __future__ import annotations

import torch
from torch import nn

from facezoo import hold, margins


class Plain(nn.Module):
    """A cosine margin."""

    def __init__(self, config, context):
        super().__init__()
        self.config = config

    def rows(self, batch, scores):
        target = self.config.scale * (scores.target - self.config.margin)
        return scores.softmax(target, scale=self.config.scale)

    def loss(self, batch, scores):
        return self.rows(batch, scores).mean()


class Rich(Plain):
    """Sound, with everything that a head may have."""

    def __init__(self, config, context):
        super().__init__(config, context)
        self.start = context.steps(epochs=1, fraction=0.1)
        self.memory, self.margins = context.memory(), context.parameter(0.1, bounds=(0.0, 0.5), lr=0.1)
        self.bias = nn.Parameter(torch.zeros(()))
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))
        self.register_buffer("norm", torch.ones(()))

    def before_loss(self, batch, scores):
        self.norm.lerp_(batch.norms.mean(), 0.1)
        if batch.step >= self.start and not self.started:
            self.bias.fill_(0.5)
            self.started.fill_(True)

    def loss(self, batch, scores):
        noise = 0.01 * torch.randn(1, generator=batch.generator).to(scores.target)
        cosine = scores.target - scores.take(self.margins) + noise
        target = self.config.scale * cosine - 0.1 * hold(batch.norms.mean() / self.norm)
        parts = {"softmax": scores.softmax(target, scale=self.config.scale).mean()}
        parts["pull"] = 1e-3 * batch.norms.square().mean()
        if self.started:
            seen = batch.against(self.memory)
            genuine = torch.where(seen.known, margins.softplus(self.bias - seen.target), 0.0)
            parts["remembered"] = (genuine + 0.1 * seen.softplus(scale=4.0, shift=-self.bias)).mean()
        return parts

    def after_step(self, batch):
        self.memory.write(batch.labels, batch.unit, batch.step)

    def report(self, images):
        return {"margin": float(self.margins.values.mean()), "images": float(images.sum())}

    def threshold(self):
        return float(self.bias) / 4 if self.started else None


class Detached(Plain):
    """A value of its own that moves with the inputs is taken out of the graph, and not held."""

    def loss(self, batch, scores):
        return (self.rows(batch, scores) * (2 - scores.target.detach())).mean()


class Late(Plain):
    """The same, under one choice of a setting and past a start."""

    def loss(self, batch, scores):
        rows = self.rows(batch, scores)
        broken = self.config.kind == "late" and batch.step > 100
        return (rows * (2 - scores.target.detach())).mean() if broken else rows.mean()


class Steep(Plain):
    """The angle without a guard: its slope is infinite at cos = 1."""

    def loss(self, batch, scores):
        return super().loss(batch, scores) + 0.1 * scores.target.clamp(-1, 1).acos().mean()


class Spread(Plain):
    """The standard deviation of one number is not a number."""

    def loss(self, batch, scores):
        return super().loss(batch, scores) + 0.01 * batch.norms.std()


class Pulled(Plain):
    """The raw embeddings are moved, whatever their length."""

    def loss(self, batch, scores):
        return super().loss(batch, scores) + 0.1 * batch.raw.mean()


class Ordered(Plain):
    """Later rows weigh more."""

    def loss(self, batch, scores):
        rows = self.rows(batch, scores)
        return (rows * torch.linspace(0.5, 1, len(rows)).to(rows)).mean()


class Doubled(Plain):
    """The loss is float64, whatever it is computed in."""

    def loss(self, batch, scores):
        return super().loss(batch, scores).double()


class Shaped(Plain):
    """A loss that kept a dimension."""

    def loss(self, batch, scores):
        return self.rows(batch, scores).mean(0, keepdim=True)


class Vague(Plain):
    """A figure that is not a number."""

    def report(self, images):
        return {"nothing": float("nan")}


class Idle(Plain):
    """A parameter that nothing uses."""

    def __init__(self, config, context):
        super().__init__(config, context)
        self.bias = nn.Parameter(torch.zeros(()))


class Constant(Plain):
    """Nothing to learn."""

    def loss(self, batch, scores):
        return 1 + 0 * super().loss(batch, scores)


class Positional(Plain):
    """A logit that depends on where in the block its class stands: not elementwise."""

    def loss(self, batch, scores):
        def others(cos):
            return self.config.scale * cos * torch.linspace(0.9, 1, cos.shape[1]).to(cos)

        return scores.softmax(self.config.scale * scores.target, others).mean()


class Whole(Plain):
    """All cosines at once, past the engine."""

    def loss(self, batch, scores):
        everything = scores.vectors(torch.arange(scores.classes))
        return super().loss(batch, scores) + 0.1 * (batch.unit @ everything.T).square().mean()


class Sorting(Plain):
    """The caller's labels are sorted in place."""

    def after_step(self, batch):
        batch.labels.copy_(batch.labels.sort().values)


class Counting(Plain):
    """The loss writes, in evaluation mode too."""

    def __init__(self, config, context):
        super().__init__(config, context)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def loss(self, batch, scores):
        self.calls += 1
        return super().loss(batch, scores)


class Shared(Plain):
    """One tensor under two names."""

    def __init__(self, config, context):
        super().__init__(config, context)
        self.register_buffer("one", torch.zeros(2))
        self.register_buffer("two", self.one)


class Forgetful(Plain):
    """State in an attribute, which no checkpoint has."""

    def __init__(self, config, context):
        super().__init__(config, context)
        self.pace = 1.0

    def before_loss(self, batch, scores):
        self.pace *= 1.01

    def loss(self, batch, scores):
        return self.pace * super().loss(batch, scores)


class Drawn(Plain):
    """A start from torch's global generator."""

    def __init__(self, config, context):
        super().__init__(config, context)
        self.bias = nn.Parameter(torch.randn(()))

    def loss(self, batch, scores):
        target = self.config.scale * scores.target + self.bias
        return scores.softmax(target, scale=self.config.scale).mean()
