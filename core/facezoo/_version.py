"""The version of the installed distribution; a module of its own, so that only those who ask pay for it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """Version of the distribution `facezoo`, or "0+unknown" where its source lies on the path uninstalled."""
    try:
        return version("facezoo")
    except PackageNotFoundError:
        return "0+unknown"


__version__ = installed_version()
