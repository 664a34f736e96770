"""What checkpoint.json and best.json must hold: everything that is read of them has its type and range here.

Keys that are not named here are admitted and kept: later facezoos and observers add some.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

FORMAT: Final = 1
"""Raised whenever a checkpoint's files change their meaning."""

ABSENT: Any = None
"""The default of what may be absent, and is then left so; null is a value of another type, and an error."""

Text = Annotated[str, StringConstraints(min_length=1)]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Positive = Annotated[int, Field(ge=1, lt=2**53)]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+\.safetensors$")]
Means = Annotated[list[float], Field(min_length=3, max_length=3)]
Scales = Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=3, max_length=3)]


class Record(BaseModel):
    """What all parts share: values of another type, NaN and infinity are errors, further keys are not."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


class Head(Record):
    """The head, with what it came in; no older checkpoint lacks any of it."""

    name: Text
    distribution: Text
    version: Text
    revision: int
    preset: str | None


class Backbone(Record):
    """The backbone; earlier checkpoints do not say what it came in."""

    name: Text
    dim: int = Field(ge=1, le=2**16)
    distribution: Text = ABSENT
    version: Text = ABSENT

    @model_validator(mode="after")
    def _both(self) -> Self:
        if len({"distribution", "version"} & self.model_fields_set) == 1:
            raise ValueError("a distribution and its version stand together")
        return self


class Contract(Record):
    """The preprocessing contract; `Preprocessing.from_dict` says which values it can serve."""

    size: int = Field(ge=1, le=2**13)
    colour: Text
    mean: Means
    std: Scales
    alignment: Text
    crop: Text
    scaling: Text


class Content(Record):
    """The fingerprint of the images' content: see `facezoo.data.fingerprint`."""

    sha256: Sha256
    read: Count
    every: Positive


class Data(Record):
    """What was trained on. `fingerprint` is of names and sizes; earlier checkpoints have no `content`."""

    fingerprint: Sha256
    images: Positive
    identities: Positive
    identity_fingerprint: Sha256 = ABSENT
    left_out: Count
    content: Content = ABSENT


class Start(Record):
    """What a run started from."""

    checkpoint: str
    step: Count
    head: bool


class Machine(Record):
    """What computed the numbers."""

    device: Text
    threads: int
    precision: Text


class HeadSection(Record):
    """Of a run's section [head], what every head has."""

    name: Text


class DataSection(Record):
    """Of a run's section [data], what says where its images were."""

    path: Text
    size: Positive
    fit: Literal["resize", "crop"] = "resize"
    memory_mib: Count
    cache: Text = "none"


class TrainSection(Record):
    """Of a run's section [train], what the counts of steps follow from."""

    seed: int = Field(ge=0, lt=2**63)
    epochs: Positive
    batch_size: Positive
    accumulate: Positive = 1


class Config(Record):
    """All settings of the run; only what is read without comparing it is held to a type."""

    head: HeadSection
    data: DataSection
    train: TrainSection
    backbone: dict[str, Any]
    optimizer: dict[str, Any]
    evaluate: dict[str, Any]


class Imported(Record):
    """The file that imported weights came from."""

    file: str
    sha256: str


class Checkpoint(Record):
    """checkpoint.json: of a run, or of imported weights."""

    format: Literal[1]
    step: Count
    backbone: Backbone
    preprocessing: Contract
    versions: dict[str, str]
    files: dict[FileName, Sha256] = ABSENT
    imported: Imported = ABSENT
    head: Head = ABSENT
    data: Data = ABSENT
    config: Config = ABSENT
    seed: int = ABSENT
    started_from: Start | None = None
    computed_on: Machine = ABSENT

    @model_validator(mode="after")
    def _whole(self) -> Self:
        of_a_run = ("head", "data", "config", "seed")
        absent = [name for name in of_a_run if name not in self.model_fields_set]
        if absent and ("imported" not in self.model_fields_set or len(absent) < len(of_a_run)):
            raise ValueError(f"{' and '.join(absent)} missing")
        return self


class Best(Record):
    """best.json: the checkpoint that verified best by one figure; earlier ones know none but accuracy."""

    step: Count
    pairs: str
    figure: Text = "accuracy"
    value: float = ABSENT
    better: Literal["higher", "lower"] = "higher"
    accuracy: float = Field(ABSENT, ge=0, le=1)

    @model_validator(mode="after")
    def _valued(self) -> Self:
        if not {"value", "accuracy"} & self.model_fields_set:
            raise ValueError("accuracy missing")
        return self


class Figures(Record):
    """Of a verification's figures, the one that is shown of it, where they have it."""

    accuracy: float = Field(ABSENT, ge=0, le=1)


class Evaluation(Record):
    """evaluation.json: the figures that a run ended with, those of `figure` by their main one."""

    step: Count
    pairs: str | None
    figure: Text | None = "accuracy"
    verification: Figures | None

    @model_validator(mode="after")
    def _shown(self) -> Self:
        shown = self.verification
        if shown is not None and self.figure == "accuracy" and "accuracy" not in shown.model_fields_set:
            raise ValueError("verification.accuracy missing")
        return self
