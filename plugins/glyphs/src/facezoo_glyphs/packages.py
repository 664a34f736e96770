"""Debian's packages of fonts with Han or Hangul, and which of them are there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

INSTALLED: Final = Path("/var/lib/dpkg/info")
"""Where Debian, and what derives from it, keeps a list of each installed package's files."""

PACKAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "han": (
        *("fonts-aoyagi-soseki", "fonts-arphic-bkai00mp", "fonts-arphic-bsmi00lp", "fonts-arphic-gbsn00lp"),
        *("fonts-arphic-gkai00mp", "fonts-arphic-ukai", "fonts-arphic-uming", "fonts-babelstone-han"),
        *("fonts-cwtex-fs", "fonts-cwtex-heib", "fonts-cwtex-kai", "fonts-cwtex-ming", "fonts-dotgothic16"),
        *("fonts-droid-fallback", "fonts-hanazono", "fonts-horai-umefont", "fonts-ipaexfont-gothic"),
        *("fonts-ipaexfont-mincho", "fonts-ipamj-mincho", "fonts-kiloji", "fonts-konatu"),
        *("fonts-kouzan-mouhitsu", "fonts-lxgw-wenkai", "fonts-migmix", "fonts-mona", "fonts-monapo"),
        *("fonts-morisawa-bizud-gothic", "fonts-morisawa-bizud-mincho", "fonts-motoya-l-cedar"),
        *(
            "fonts-motoya-l-maruberi",
            "fonts-mplus",
            "fonts-noto-cjk",
            "fonts-reggae",
            "fonts-sawarabi-gothic",
        ),
        *("fonts-sawarabi-mincho", "fonts-seto", "fonts-smiley-sans", "fonts-takao-gothic", "fonts-umeplus"),
        *("fonts-vlgothic", "fonts-wqy-microhei", "fonts-wqy-zenhei", "fonts-yozvox-yozfont-standard-kana"),
        "fonts-yusei-magic",
    ),
    "hangul": (
        *("fonts-alee", "fonts-baekmuk", "fonts-lexi-gulim", "fonts-lexi-saebom", "fonts-nanum"),
        *(
            "fonts-nanum-extra",
            "fonts-noto-cjk",
            "fonts-unfonts-core",
            "fonts-unfonts-extra",
            "fonts-woowa-bm",
        ),
    ),
}
"""By script; each package adds at least one design. Debian has more, such as fonts-cns11643-kai,
fonts-cns11643-sung and fonts-klee, which are large for what they add."""


def missing_packages(script: str) -> list[str]:
    """The packages of `PACKAGES` that are not installed; all of them where the system is not Debian's."""
    return [name for name in PACKAGES.get(script, ()) if not (INSTALLED / f"{name}.list").exists()]
