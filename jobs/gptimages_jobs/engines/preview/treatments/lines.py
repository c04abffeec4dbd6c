"""Lines drawn along the forms of a picture: the key line of a print, the pen of an ink drawing."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Plane, Planes
from gptimages_jobs.engines.preview.sheet import to_image, to_planes


def key_lines(canvas: Canvas, light: Plane, width: float, least: float) -> Plane:
    """Where lines run, 0 to 1: an extended difference of Gaussians (Winnemöller 2011), on the dark side of each edge.

    `width` is the line's half width in heights; edges weaker than `least` get none.
    """
    inner, outer = canvas.blur(light, width), canvas.blur(light, width * 1.6)
    return np.clip((outer - inner - least) / (least * 0.9), 0, 1)


def levelled(light: Planes) -> Planes:
    """The values stretched so that the darkest and the lightest parts reach 0 and 1."""
    sample = light[..., :: max(1, light.shape[-2] // 128), :: max(1, light.shape[-1] // 128)]
    low, high = np.percentile(sample, (1.5, 98.5)).tolist()
    stretched: Planes = np.clip((light - low) / max(0.08, high - low), 0, 1)
    return stretched


def simplified(canvas: Canvas, picture: Planes, reach: float = 0.006) -> Planes:
    """The picture without details narrower than about half of `reach` (heights), its larger edges kept: a median."""
    image = to_image(picture)
    shrink = 2 if reach * canvas.height > 6 else 1
    size = max(3, round(reach * canvas.height / shrink) | 1)
    calm = image.reduce(shrink).filter(ImageFilter.MedianFilter(size))
    return to_planes(calm.resize(image.size, Image.Resampling.BICUBIC))
