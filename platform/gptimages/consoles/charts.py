"""Small charts as inline SVG, drawn on the server; the figures always stand beside them in words."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, STEP, BAR = 240, 48, 8, 6


def bars(values: Sequence[int]) -> Markup:
    """One bar a value, the newest on the right and marked; hidden from screen readers."""
    most, last = max(values, default=0) or 1, len(values) - 1
    left = WIDTH - STEP * len(values)
    drawn = Markup("").join(
        Markup('<rect class="{}" x="{}" y="{:.1f}" width="{}" height="{:.1f}"/>').format(
            "hot" if place == last else "bar", left + STEP * place, HEIGHT - height, BAR, height
        )
        for place, height in enumerate(max(1.0, (HEIGHT - 2) * value / most) for value in values)
    )
    return Markup('<svg viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}</svg>').format(
        WIDTH, HEIGHT, drawn
    )
