"""The sections of a run's settings, each a pydantic model: types, defaults, ranges and what each value means.

The section `[head]` is not here: beside `name` and `preset` it holds the settings of the head's own config.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """What all sections share: unknown names, NaN, infinity and values of another type are errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=True
    )


class DataSettings(Section):
    """`[data]`: the training images."""

    path: str = Field("orl", min_length=1, description='"orl", or a folder of identity folders')
    size: int = Field(64, ge=16, le=512, description="side of the square input, pixels")
    flip: bool = Field(True, description="mirror training images at random")
    memory_mib: int = Field(
        2048, ge=0, description="a larger set is decoded on the fly, not kept in memory, MiB"
    )


class BackboneSettings(Section):
    """`[backbone]`: the network that makes the embeddings."""

    name: str = Field("small", min_length=1, description="a backbone that is installed")
    dim: int = Field(128, ge=2, le=65536, description="size of the embedding")


class TrainSettings(Section):
    """`[train]`: how long, how, and on what."""

    epochs: int = Field(40, ge=1, description="passes over the training images")
    batch_size: int = Field(64, ge=1, description="images a step")
    seed: int = Field(0, ge=0, lt=2**63, description="of initialisation, order and augmentation")
    layout: Literal["streamed", "dense"] = Field("streamed", description="how the class scores are computed")
    matmul_precision: Literal["float32", "bf16"] = Field("float32", description="of the class scores")
    precision: Literal["auto", "float32", "bf16"] = Field(
        "auto", description="backbone; auto: bf16 where the processor multiplies it natively"
    )
    device: str = Field("auto", min_length=1, description='"auto", "cpu", "cuda", "cuda:1"')
    threads: int = Field(0, ge=0, description="processor threads; 0: torch's choice")
    save_every: int = Field(10, ge=0, description="epochs between checkpoints; 0: only at the end")
    keep: int = Field(2, ge=1, description="checkpoints kept, counted from the last")


class OptimizerSettings(Section):
    """`[optimizer]`: the descent and its learning rate over time."""

    name: Literal["sgd"] = Field("sgd", description="the optimiser")
    lr: float = Field(0.1, gt=0, description="learning rate after warm-up")
    momentum: float = Field(0.9, ge=0, lt=1, description="of SGD")
    weight_decay: float = Field(5e-4, ge=0, description="of weights; biases, norms and scalars have none")
    warmup_epochs: float = Field(1.0, ge=0, description="epochs over which the rate rises from zero")
    schedule: Literal["polynomial", "cosine", "step"] = Field(
        "cosine", description="how the rate falls afterwards"
    )


class EvaluateSettings(Section):
    """`[evaluate]`: the verification after training."""

    pairs: str = Field(
        "auto", min_length=1, description='a pairs file; "auto": what the data brings; or "none"'
    )
    images: str = Field(
        "auto", min_length=1, description="the folder that the names in a pairs file start from"
    )
    folds: int = Field(10, ge=2, description="folds of the accuracy")
    flip: bool = Field(True, description="add the embedding of the mirror image")
    batch_size: int = Field(256, ge=1, description="images a forward pass")


SECTIONS: dict[str, type[Section]] = {
    "data": DataSettings,
    "backbone": BackboneSettings,
    "train": TrainSettings,
    "optimizer": OptimizerSettings,
    "evaluate": EvaluateSettings,
}
