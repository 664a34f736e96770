"""What a request would give, which fonts there are for it, and which could be installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from facezoo._words import printable
from facezoo.data.faces import LeftOut, told
from facezoo_glyphs.choosing import countable, foremost, held_out
from facezoo_glyphs.designs import Design, designs
from facezoo_glyphs.images import folders_of
from facezoo_glyphs.index import library
from facezoo_glyphs.packages import missing_packages
from facezoo_glyphs.request import Request, read_request

FONTS: Final = (2, 5, 10, 20, 30, 40, 60)
"""Of how many fonts it is said how many characters stand in all of them."""


@dataclass(frozen=True, eq=False)
class Survey:
    """What there is for a request."""

    request: Request
    designs: tuple[Design, ...]
    """The designs that have characters of its script, those with most of them first."""
    characters: dict[int, int]
    """Number of fonts -> characters that stand in at least so many."""
    training: int
    held_out: int
    """Characters to train on, and others."""
    left_out: tuple[LeftOut, ...]
    """Font files that are not used."""
    missing: tuple[str, ...]
    """Debian's packages with fonts for it that are not installed."""

    def lines(self, *, fonts: bool) -> Iterator[str]:
        """As text; with `fonts`, every design and what to install."""
        asked, count = self.request, len(self.designs)
        split = f"{self.training:,} characters to train on, {self.held_out:,} held out"
        yield f"{asked.script}: {split}; {asked.fonts} images each"
        files = len({face.path for design in self.designs for face in design.faces})
        yield f"fonts: {count:,} designs in {files:,} files (what draws alike counts once)"
        yield from (
            f"  {number:,} characters in at least {least}" for least, number in self.characters.items()
        )
        if fonts:
            yield from ("  " + _line(design) for design in self.designs)
        yield f"not used: {len(self.left_out):,}"
        yield from told(self.left_out, "--json lists all")
        if fonts and self.missing:
            yield f"more fonts, on Debian: apt-get install {' '.join(self.missing)}"

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON types."""
        return {
            "script": self.request.script,
            "fonts": self.request.fonts,
            "training_characters": self.training,
            "held_out_characters": self.held_out,
            "characters_in_at_least": {str(least): number for least, number in self.characters.items()},
            "designs": [_as_dict(design) for design in self.designs],
            "left_out": [{"path": printable(item.path), "reason": item.reason} for item in self.left_out],
            "install": list(self.missing),
        }


def survey(rest: str) -> Survey:
    """What there is for the text behind `glyphs:`. FacezooError where that is wrong."""
    request = read_request(rest)
    found = library(folders_of(request))
    drawn = designs(found.faces, request.script)
    codes = foremost(countable(drawn, request.fonts), request.characters, request.seed)
    aside = int(held_out(codes, request.seed, request.held_out).sum())
    return Survey(
        request,
        tuple(drawn),
        {least: len(countable(drawn, least)) for least in FONTS if least <= len(drawn)},
        len(codes) - aside,
        aside,
        found.left_out,
        tuple(missing_packages(request.script)),
    )


def _line(design: Design) -> str:
    alike = len(design.faces) - 1
    more = f", and {alike} that {'draws' if alike == 1 else 'draw'} alike" if alike else ""
    return f"{len(design.codes):>7,}  {design.faces[0].name}{more}"


def _as_dict(design: Design) -> dict[str, Any]:
    faces = [
        {"name": face.name, "path": printable(str(face.path)), "face": face.number} for face in design.faces
    ]
    return {"characters": len(design.codes), "faces": faces}
