"""`facezoo data glyphs`: what the data source glyphs gives, and from which fonts."""

from __future__ import annotations

import click

from facezoo_cli.output import say, say_json


@click.command("glyphs")
@click.argument("what", default="")
@click.option("--list-fonts", is_flag=True, help="Name every font, and packages with more of them.")
@click.option("--json", "as_json", is_flag=True, help="Everything that was found, as one object.")
def command(what: str, list_fonts: bool, as_json: bool) -> None:
    """Say what the data source glyphs gives, and from which fonts.

    WHAT is what stands behind `glyphs:` in `--data`, such as han,fonts=40. Fonts are read once, which takes
    about a quarter of a second per file, and then known until their files change.
    """
    from facezoo_glyphs.survey import survey

    found = survey(what.removeprefix("glyphs:"))
    if as_json:
        say_json(found.as_dict())
    else:
        say("\n".join(found.lines(fonts=list_fonts)))
