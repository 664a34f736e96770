"""Heads that are plain objects: what learns nothing and remembers nothing needs no torch.nn.Module."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class PlainHead(nn.Module):
    """The module of a head that is none: it has the head's attributes and methods, and no state."""

    def __init__(self, head: object) -> None:
        super().__init__()
        self.plain = head

    def __getattr__(self, name: str) -> Any:
        plain = vars(self).get("plain")  # not there yet in a copy that is being made
        return super().__getattr__(name) if plain is None else getattr(plain, name)


def kept_in_vain(head: object) -> str:
    """The first attribute of a plain object that would be neither trained nor saved; empty where none is."""
    held = getattr(head, "__dict__", {}).items()
    return next((name for name, value in held if isinstance(value, Tensor | nn.Module)), "")
