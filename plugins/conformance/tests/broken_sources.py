"""Sources of images that are each broken in one way: the one called `x` fails the check `x` and no other.

Installed by tests as `fixture_images`, beside records that name its functions.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from facezoo.data import Images

PEOPLE, EACH = 3, 4


class Plain(Images):
    """Three people with four images of 6 x 8 pixels."""

    def __init__(self):
        self.place = "plain"
        self.identities = ("Ann", "Bob", "Cid")
        self.names = tuple(f"{name}/{image}.png" for name in self.identities for image in range(EACH))
        self.labels = np.repeat(np.arange(PEOPLE, dtype=np.int64), EACH)

    def read(self, image):
        return np.random.default_rng(image).integers(0, 256, (6, 8, 3), np.uint8)

    def state(self, image):
        return "1"


class Encoded(Plain):
    def read(self, image):
        file = io.BytesIO()
        Image.fromarray(super().read(image)).save(file, "PNG")
        return file.getvalue()


class Stream(Plain):
    """One that can only be read from the beginning on."""

    sequential = True

    def read(self, image):
        return Images.read(self, image)

    def in_order(self):
        for image in range(len(self)):
            yield Plain.read(self, image)


class Nowhere(Plain):
    def __init__(self):
        super().__init__()
        self.place = ""


class Renamed(Plain):
    def __init__(self):
        super().__init__()
        self.names = ("Ann/0.png", *self.names[:-1])


class Rooted(Plain):
    def __init__(self):
        super().__init__()
        self.names = tuple(f"/{name}" for name in self.names)


class OutOfRange(Plain):
    def __init__(self):
        super().__init__()
        self.labels = self.labels + 1


class Short(Plain):
    def __init__(self):
        super().__init__()
        self.labels = self.labels.astype(np.int32)


class Unused(Plain):
    def __init__(self):
        super().__init__()
        self.identities = (*self.identities, "Dan")


class Shuffled(Plain):
    opened = 0

    def __init__(self):
        super().__init__()
        Shuffled.opened += 1
        self.names = tuple(np.roll(self.names, Shuffled.opened).tolist())


class Restless(Plain):
    def __init__(self):
        super().__init__()
        self.asked = 0

    def state(self, image):
        self.asked += 1
        return str(self.asked)


class Stateless(Plain):
    def state(self, image):
        return 1


class Grey(Plain):
    def read(self, image):
        return super().read(image)[..., 0]


class Text(Plain):
    def read(self, image):
        return b"no image"


class TwoSizes(Plain):
    def read(self, image):
        found = super().read(image)
        return found[:4] if image == 5 else found


class Moody(Plain):
    def __init__(self):
        super().__init__()
        self.reads = 0

    def read(self, image):
        self.reads += 1
        return np.full((6, 8, 3), self.reads % 251, np.uint8)

    def in_order(self):
        raise AssertionError("of this another source is made")


class Lending(Plain):
    """One that hands out its own memory."""

    def __init__(self):
        super().__init__()
        self.kept = [Plain.read(self, image) for image in range(len(self))]

    def read(self, image):
        return self.kept[image]


class Backwards(Plain):
    def in_order(self):
        return (self.read(image) for image in reversed(range(len(self))))


class Ending(Plain):
    def in_order(self):
        return (self.read(image) for image in range(3))


class Rolling(Plain):
    def vary(self, pixels, images, seed, epoch):
        return pixels + np.arange(len(pixels), dtype=np.uint8)[:, None, None, None]


class Wide(Plain):
    def vary(self, pixels, images, seed, epoch):
        return pixels.astype(np.float32)


SOURCES = {
    "plain": Plain,
    "encoded": Encoded,
    "stream": Stream,
    "opens": Nowhere,
    "names": Renamed,
    "rooted": Rooted,
    "labels": OutOfRange,
    "short": Short,
    "unused": Unused,
    "order": Shuffled,
    "states": Restless,
    "stateless": Stateless,
    "pictures": Grey,
    "text": Text,
    "one_size": TwoSizes,
    "function": Moody,
    "own_memory": Lending,
    "in_order": Backwards,
    "ending": Ending,
    "varied": Rolling,
    "wide": Wide,
}


def crash(rest):
    raise RuntimeError("no such file")


for _name, _source in SOURCES.items():
    globals()[f"open_{_name}"] = lambda rest, source=_source: source()
