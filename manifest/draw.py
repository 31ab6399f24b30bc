"""Draws the icons: `python -m manifest.draw` writes them beside this file.

It needs Pillow, which building a package does not. The mark is a chat bubble that holds two links of a chain. Put your
organisation's own icons in their place if you like: 192x192 in colour, and 32x32 in white on transparent.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageChops, ImageDraw

from manifest.template import ACCENT, COLOR_ICON, OUTLINE_ICON

FINE = 16
"""Everything is drawn this many times too large and averaged down: that smooths the edges."""

WHITE = "#FFFFFF"


def color_icon() -> Image.Image:
    """192x192: a white bubble on the accent colour, the chain in the accent colour."""
    size = 192
    ink = Image.new("RGB", (size, size), ACCENT)
    ink.paste(WHITE, mask=_shrunk(_bubble(size, box=(34, 38, 158, 132), radius=26, tail=22), size))
    ink.paste(ACCENT, mask=_shrunk(_chain(size, box=(51, 63, 141, 107), width=11, gap=4.5), size))
    return ink


def outline_icon() -> Image.Image:
    """32x32: the same in white lines on transparent, as wide as the canvas allows."""
    size, line = 32, 2
    bubble = _bubble(size, box=(1, 3, 31, 25), radius=6, tail=5)
    hollow = _bubble(size, box=(1 + line, 3 + line, 31 - line, 25 - line), radius=6 - line, tail=0)
    mask = ImageChops.subtract(bubble, hollow)
    mask = ImageChops.lighter(mask, _chain(size, box=(6, 9, 26, 19), width=2, gap=1))
    icon = Image.new("RGBA", (size, size), WHITE)
    icon.putalpha(_shrunk(mask, size))
    return icon


def _canvas(size: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("L", (size * FINE, size * FINE), 0)
    return image, ImageDraw.Draw(image)


def _fine(*numbers: float) -> list[int]:
    return [round(number * FINE) for number in numbers]


def _shrunk(mask: Image.Image, size: int) -> Image.Image:
    return mask.resize((size, size), Image.Resampling.BOX)


def _bubble(size: int, *, box: tuple[float, float, float, float], radius: float, tail: float) -> Image.Image:
    """A rounded box with a tail at its lower left."""
    image, draw = _canvas(size)
    left, top, right, bottom = _fine(*box)
    draw.rounded_rectangle((left, top, right - 1, bottom - 1), radius * FINE, fill=255)
    if tail:
        start, length = left + round(radius * FINE), round(tail * FINE)
        draw.polygon(
            [(start, bottom - length), (start, bottom + length), (start + 2 * length, bottom - length)], fill=255
        )
    return image


def _chain(size: int, *, box: tuple[float, float, float, float], width: float, gap: float) -> Image.Image:
    """Two rings side by side, woven: the left one passes in front above, the right one below."""
    left, top, right, bottom = _fine(*box)
    length = (right - left) // 2 + round((width + gap / 2) * FINE)  # so that the gap also parts them in the middle
    first, second = (left, top, left + length, bottom), (right - length, top, right, bottom)
    middle = (top + bottom) // 2
    chain = _in_front(size, first, second, width=width, gap=gap)
    below = _in_front(size, second, first, width=width, gap=gap)
    chain.paste(below.crop((0, middle, *below.size)), (0, middle))
    return chain


def _in_front(size: int, front: tuple[int, ...], back: tuple[int, ...], *, width: float, gap: float) -> Image.Image:
    """One ring before another, which is cut away around it."""
    image, draw = _canvas(size)
    thick, free = _fine(width, gap)
    for ring, grow, shade in ((back, 0, 255), (front, free, 0), (front, 0, 255)):
        left, top, right, bottom = ring
        draw.rounded_rectangle(
            (left - grow, top - grow, right + grow - 1, bottom + grow - 1),
            (bottom - top) / 2 + grow,
            outline=shade,
            width=thick + 2 * grow,
        )
    return image


def main() -> None:
    folder = Path(__file__).parent
    for name, icon in ((COLOR_ICON, color_icon()), (OUTLINE_ICON, outline_icon())):
        icon.save(folder / name, optimize=True)
        print(f"Drew {folder / name}, {icon.width}x{icon.height}.")


if __name__ == "__main__":
    main()
