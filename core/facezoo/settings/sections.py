"""The sections of a run's settings, each a pydantic model: types, defaults, ranges and what each value means.

The section `[head]` is not here: beside `name` and `preset` it holds the settings of the head's own config.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST: Final = 10**9
"""No count in a run is larger, and what is computed from it fits where it must."""
EPOCHS: Final = 10**6


class Section(BaseModel):
    """What all sections share: unknown names, NaN, infinity and values of another type are errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=True
    )


class DataSettings(Section):
    """`[data]`: the training images."""

    path: str = Field(min_length=1, description="a folder of identity folders, or another source of images")
    size: int = Field(64, ge=16, le=512, description="side of the square input, pixels")
    fit: Literal["resize", "crop"] = Field(
        "resize", description="images that are not square: an error, or their central square"
    )
    flip: bool = Field(True, description="mirror training images at random")
    crop: float = Field(0.9, ge=0.2, le=1, description="smallest side of a random crop, as a share; 1: none")
    jitter: float = Field(0.0, ge=0, lt=1, description="random change of contrast and brightness, as a share")
    grey: float = Field(0.0, ge=0, le=1, description="share of training images without colour")
    blur: float = Field(0.0, ge=0, le=1, description="share of training images that are blurred")
    low_resolution: float = Field(0.0, ge=0, le=1, description="share of training images made coarse")
    erase: float = Field(0.0, ge=0, le=1, description="share of training images with a square painted over")
    memory_mib: int = Field(
        2048, ge=0, le=MOST, description="a larger set is decoded on the fly, not once for all, MiB"
    )
    unreadable: Literal["stop", "skip"] = Field(
        "stop", description="an image that proves unreadable while a set is decoded on the fly"
    )
    cache: str = Field("auto", min_length=1, description='a folder for decoded images; "auto"; or "none"')


class BackboneSettings(Section):
    """`[backbone]`: the network that makes the embeddings."""

    name: str = Field("small", min_length=1, description="a backbone that is installed")
    dim: int = Field(128, ge=2, le=65536, description="size of the embedding")


class TrainSettings(Section):
    """`[train]`: how long, how, and on what."""

    epochs: int = Field(20, ge=1, le=EPOCHS, description="passes over the training images")
    batch_size: int = Field(64, ge=1, le=MOST, description="images per forward pass")
    seed: int = Field(0, ge=0, lt=2**63, description="of initialisation, order and augmentation")
    layout: Literal["streamed", "dense"] = Field("streamed", description="how the class scores are computed")
    matmul_precision: Literal["float32", "bf16"] = Field("float32", description="of the class scores")
    precision: Literal["auto", "float32", "bf16"] = Field(
        "auto", description="backbone; auto: bf16 where the processor multiplies it natively"
    )
    accumulate: int = Field(1, ge=1, le=MOST, description="forward passes per step")
    device: str = Field("auto", min_length=1, description='"auto", "cpu", "cuda", "cuda:1"')
    threads: int = Field(0, ge=0, le=1024, description="processor threads; 0: torch's choice")
    save_every: int = Field(10, ge=0, le=MOST, description="epochs between checkpoints; 0: only at the end")
    keep: int = Field(2, ge=1, le=MOST, description="checkpoints kept, counted from the last")
    init_from: str = Field(
        "none", min_length=1, description='a run, checkpoint or imported weights to start from; or "none"'
    )
    freeze: Literal["none", "backbone"] = Field("none", description="what is not trained")
    recompute: bool = Field(False, description="less memory for more time: activations are computed twice")


class OptimizerSettings(Section):
    """`[optimizer]`: the descent and its learning rate over time."""

    name: Literal["sgd", "adamw"] = Field("sgd", description="the optimiser")
    lr: float = Field(0.1, gt=0, description="learning rate after warm-up")
    momentum: float = Field(0.9, ge=0, lt=1, description="of SGD")
    beta1: float = Field(0.9, ge=0, lt=1, description="of AdamW: decay of the mean gradient")
    beta2: float = Field(0.999, ge=0, lt=1, description="of AdamW: decay of the mean squared gradient")
    weight_decay: float = Field(1e-3, ge=0, description="of weights, not of biases, norms and scalars")
    warmup_epochs: float = Field(
        2.0, ge=0, le=EPOCHS, description="epochs over which the rate rises from zero"
    )
    schedule: Literal["polynomial", "cosine", "step"] = Field(
        "cosine", description="how the rate falls afterwards"
    )
    clip_norm: float = Field(0.0, ge=0, description="longest gradient, all parameters taken together; 0: any")


class EvaluateSettings(Section):
    """`[evaluate]`: the verification after training, and during it."""

    pairs: str = Field(
        "auto", min_length=1, description='a pairs file or folder; "auto": what the data brings; or "none"'
    )
    protocol: str = Field(
        "auto", min_length=1, description='a benchmark by name; "auto": the one that the pairs are for'
    )
    images: str = Field(
        "auto", min_length=1, description="the folder that the names in a pairs file start from"
    )
    folds: int = Field(10, ge=2, le=MOST, description="folds of the accuracy")
    flip: bool = Field(True, description="add the embedding of the mirror image")
    batch_size: int = Field(256, ge=1, le=MOST, description="images per forward pass")
    every: int = Field(0, ge=0, le=MOST, description="epochs between verifications; 0: only at the end")
    every_steps: int = Field(0, ge=0, le=MOST, description="steps between verifications; 0: none in between")


SECTIONS: dict[str, type[Section]] = {
    "data": DataSettings,
    "backbone": BackboneSettings,
    "train": TrainSettings,
    "optimizer": OptimizerSettings,
    "evaluate": EvaluateSettings,
}
