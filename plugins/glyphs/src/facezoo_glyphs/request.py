"""What stands behind `glyphs:`: which characters, in how many fonts, and which part of them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from facezoo.errors import FacezooError
from facezoo.registry.explain import explained
from facezoo_glyphs.scripts import check_script

FOLDER = ",folder="


class Request(BaseModel):
    """Settings of the data source, as in `glyphs:han,fonts=40,characters=500`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    script: str = Field("han", description="whose characters, as Unicode calls it")
    fonts: int = Field(20, ge=2, le=1_000, description="images per character, each in another font's design")
    characters: int | None = Field(None, ge=2, description="at most so many, drawn at random; else all")
    held_out: float = Field(0.2, gt=0, lt=1, description="share of the characters that is not trained on")
    part: Literal["training", "held-out"] = Field("training", description="which part of the characters")
    seed: int = Field(0, ge=0, lt=2**63, description="of the split, the choice of fonts, and the jitter")
    pixels: int = Field(64, ge=16, le=512, description="side of the images")
    folder: Path | None = Field(None, description="the only place where fonts are looked for; must come last")

    @field_validator("script")
    @classmethod
    def _known(cls, script: str) -> str:
        return check_script(script)

    @field_validator("folder")
    @classmethod
    def _of_home(cls, folder: Path | None) -> Path | None:
        return folder and folder.expanduser()


def read_request(rest: str) -> Request:
    """The settings in the text behind `glyphs:`; "" for the defaults.

    A script's name, if it is there, comes first, then `key=value`, with commas between. Raises FacezooError
    for a key that is unknown or said twice, and a value that is not admitted.
    """
    rest, last, folder = f",{rest}".partition(FOLDER)  # a folder's name may have commas
    first, *others = rest.removeprefix(",").split(",")
    parts = others if first and "=" not in first else [first, *others]
    values = {"script": first} if parts is others else {}
    for key, value in (_setting(part) for part in parts if part):
        if key in values:
            raise FacezooError(f"glyphs.{key}: said twice", "Say it once.")
        values[key] = value
    if last:
        values["folder"] = folder
    try:
        return Request.model_validate(values)
    except ValidationError as error:
        raise explained("glyphs", Request, error) from error


def _setting(part: str) -> tuple[str, str]:
    key, equals, value = part.partition("=")
    if not equals:
        message = f"glyphs: {part!r} is no setting"
        raise FacezooError(
            message, "Such as glyphs:han,fonts=20: a script first, then key=value, commas between."
        )
    return key, value
