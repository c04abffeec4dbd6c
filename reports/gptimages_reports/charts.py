"""Small charts as inline SVG, drawn on the server; the figure always stands beside them in words."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, GAP = 240, 48, 2


def bars(values: Sequence[float]) -> Markup:
    """A bar for each value, the last one marked; hidden from screen readers, since the words beside it say the figure."""
    top = max(values, default=0) or 1
    each = WIDTH / max(len(values), 1)
    drawn = Markup("").join(
        Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            "hot" if n == len(values) - 1 else "bar", n * each, HEIGHT - _height(v, top), each - GAP, _height(v, top)
        )
        for n, v in enumerate(values)
    )
    return Markup('<svg viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}</svg>').format(
        WIDTH, HEIGHT, drawn
    )


def _height(value: float, top: float) -> float:
    return max(1.0, value / top * HEIGHT)
