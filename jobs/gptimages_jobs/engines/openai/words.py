"""What a request says to the Images API: the words, and whether the API takes the request at all.

Pure functions. The rules are the ones that the Images API documents for its image models; asking for something outside
them would cost a round trip and carry a person's words out for nothing.
"""

from __future__ import annotations

import re

from gptimages.errors import InputError
from gptimages.studio import styles
from gptimages.studio.engine import EngineRefused, EngineRequest, Size

SIZES = (Size(1536, 1024), Size(1024, 1024), Size(1024, 1536))
MOST_REFERENCES = 16
MOST_PICTURES = 10

# Servers built on stable-diffusion.cpp read settings out of the prompt between these tags: nobody may set them by writing.
_ARGUMENTS = re.compile(r"<sd_cpp_extra_args>.*?</sd_cpp_extra_args>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?sd_cpp_extra_args>", re.IGNORECASE)


def without_arguments(prompt: str) -> str:
    """The prompt without engine arguments; repeated, because taking one tag out can join the halves of another."""
    while _TAG.search(prompt):
        prompt = _TAG.sub("", _ARGUMENTS.sub("", prompt))
    return prompt.strip()


def prompt_for(request: EngineRequest) -> str:
    """The person's words followed by the style's. Raises EngineRefused when no words of the person are left."""
    prompt = without_arguments(request.prompt)
    if not prompt:
        raise EngineRefused("There are no words to make a picture of; write what it should show.")
    try:
        style = styles.style(request.style).words
    except InputError as error:
        raise EngineRefused(str(error)) from error
    return f"{prompt}\n\n{style}" if style else prompt


def check(request: EngineRequest) -> None:
    """Raises EngineRefused when the Images API cannot do what is asked."""
    if request.size not in SIZES:
        raise EngineRefused("This engine does not make pictures of that size; choose another size.")
    if not 1 <= request.count <= MOST_PICTURES:
        raise EngineRefused(f"This engine makes 1 to {MOST_PICTURES} pictures at a time; ask for fewer.")
    if len(request.references) > MOST_REFERENCES:
        raise EngineRefused(f"This engine takes up to {MOST_REFERENCES} reference pictures; leave some out.")
    if request.mask is not None and not request.references:
        raise EngineRefused("A mask needs a reference picture that it belongs to; add one.")
    if request.background == "transparent" and request.format == "jpeg":
        raise EngineRefused("JPEG has no transparency; choose PNG or WebP, or another background.")
