"""The words that choose a preview picture. Data: change a table and the pictures change, no code with it.

A single word is met by itself and by its plural; several words are met where they stand in this order.
"""

from __future__ import annotations

FAMILIES: dict[str, dict[int, str]] = {
    "ridges": {3: "ridge|mountain range|blue hills", 2: "mountain|peak|hill|alps|summit|range|cliff|landscape|volcano"},
    "dunes": {3: "dune|sahara|desert", 2: "sand|camel|oasis|caravan"},
    "marsh": {
        3: "marsh|wetland|heron|fen|estuary|mudflat|saltmarsh|bog",
        2: "reed|swamp|lagoon|crane|egret|river|pond|stork|delta",
        1: "lake|water|bird|reflection",
    },
    "aurora": {4: "northern lights|southern lights|aurora|polar light", 1: "arctic|polar|iceland|norway|lapland"},
    "dahlia": {
        3: "dahlia|chrysanthemum|petal|lotus|flower|blossom|rose|peony|bloom|mandala",
        2: "bouquet|garden|origami|folded|tulip|sunflower|daisy|lily",
        1: "fold",
    },
    "contours": {
        3: "contour|topographic|topography|contour map|relief map|isoline",
        2: "map|layered|island|terrace|archipelago|abstract|pattern|atlas",
        1: "layer",
    },
    "sheets": {
        3: "sheets of paper|cut paper|paper cut|papercut|paper valley|cut from paper|paper landscape|diorama",
        2: "paper|valley|silhouette|canyon|gorge",
        1: "sheet|cut",
    },
    "courtyard": {
        3: "courtyard|patio|archway|arcade|cloister|riad|stairway|staircase",
        2: "arch|wall|house|architecture|door|doorway|stair|steps|villa|building|room|temple|palace|village|alley",
        1: "window|street|shadow",
    },
    "stones": {
        3: "stones|pebble|still life|cairn|boulder",
        2: "stone|rock|balance|sculpture|vase|bowl|fruit|sphere|egg|apple|table",
        1: "ball|object",
    },
    "agate": {
        4: "inside of a stone|inside a stone|inside of a rock|inside a rock|agate|geode|malachite|marbled",
        3: "mineral|marble|crystal|opal|quartz|gem|jasper|amethyst",
        2: "fossil|shell|vein|liquid|fluid|swirl|nebula",
        1: "inside",
    },
    "barley": {
        3: "barley|wheat|rye|cornfield|meadow|prairie|field of grass|wheat field|grassland",
        2: "grass|wind|field|harvest|oats|fur|hair|feather",
        1: "breeze|summer|farm",
    },
    "rain": {
        3: "rain on glass|rainy window|city lights|bokeh|neon|raindrop|rain",
        2: "traffic|windscreen|windshield|taxi|cafe|puddle|night street|cyberpunk",
        1: "window|glass|wet|lamp",
    },
    "sea": {
        3: "sea|ocean|night sea|wave|moonlit|lighthouse|sailing boat|sailboat",
        2: "boat|ship|harbour|harbor|beach|coast|shore|moon|tide|whale|fish|surf|sail",
        1: "storm|blue",
    },
    "forest": {
        3: "forest|pine|fir|spruce|woodland|birch|woods",
        2: "tree|snow|wood|jungle|deer|fox|wolf|bear|owl|cabin|winter",
        1: "path|moss|leaf|leaves",
    },
    "skyline": {
        3: "skyline|skyscraper|cityscape|metropolis|downtown|city",
        2: "tower|rooftop|town|bridge|urban|tokyo|manhattan|london|new york|futuristic",
        1: "robot|car|train",
    },
    "planet": {
        3: "planet|saturn|jupiter|mars|cosmos|orbit|outer space|ringed",
        2: "galaxy|space|astronaut|universe|rocket|spaceship|world|star|alien|satellite|eclipse",
        1: "cosmic|earth|globe",
    },
}

HOURS: dict[str, str] = {
    "dawn": "dawn|sunrise|morning|sun just up|daybreak|first light|early|frost",
    "day": "noon|midday|day|daylight|bright|sunny|afternoon|summer",
    "gold": "golden|golden hour|evening|sunset|sundown|late light|hour before dark|warm|harvest",
    "dusk": "dusk|twilight|blue hour|after sunset|nightfall|gloaming|dark",
    "night": "night|midnight|moon|moonlit|moonlight|star|starry|stars|nocturne",
    "mist": "mist|misty|fog|foggy|haze|rain|rainy|overcast|grey|gray|cloudy|cloud",
}

SEASONS: dict[str, str] = {
    "winter": "winter|snow|snowy|frost|frosted|frosty|ice|icy|january|december|february|hoarfrost",
    "autumn": "autumn|autumnal|october|november|september|rust|fall colours|fall colors",
    "spring": "spring|april|may morning|fresh green|sprout",
}

COLOURS: dict[str, str] = {
    "#c8322e": "red|scarlet|crimson|ruby|cherry",
    "#e8703a": "orange|tangerine|amber|apricot",
    "#e8b83c": "yellow|gold|golden|honey|mustard|lemon",
    "#4f8f4a": "green|emerald|moss|fern|lime",
    "#2f8f8c": "teal|turquoise|petrol|cyan|jade",
    "#3b6ea8": "blue|azure|cobalt|ultramarine|cerulean",
    "#2a3a78": "indigo|navy",
    "#6a3a78": "purple|violet|lilac|lavender|mauve|plum|plums|aubergine",
    "#d8649a": "pink|rose|magenta|fuchsia|blush",
    "#8a5a3a": "brown|sepia|chestnut|cocoa|copper|bronze|rust",
    "#8a8c8e": "grey|gray|silver|ash|monochrome|black and white",
    "#d96a54": "coral|salmon|terracotta|peach",
}

SHADE = "shade|shadow"
"""With one of these, colour words speak of the shadows alone."""

NUMBERS: dict[int, str] = {
    1: "one|single|lone|alone|solitary",
    2: "two|twice|pair|couple|both",
    3: "three|thrice|trio",
    4: "four",
    5: "five",
    6: "six",
    7: "seven",
    8: "eight",
    9: "nine",
}

DETAILS: dict[str, str] = {
    "heron": "heron|crane|egret|stork|bird",
    "boat": "boat|ship|sail|sailing|sailboat|sailing boat",
    "moon": "moon|moonlit|moonlight",
    "sun": "sun|sunrise|sunset|sundown",
    "snow": "snow|snowy|snowfall|blizzard",
    "lake": "lake|water|pond|reflection|reflected|mirror",
    "star": "star|starry|stars",
    "ring": "ring|ringed|saturn",
    "peak": "mountain|peak|alps|summit|snowy peaks|crag",
    "storm": "storm|stormy|wild|rough",
}

FALLBACK = (
    "ridges",
    "dunes",
    "marsh",
    "aurora",
    "dahlia",
    "contours",
    "sheets",
    "courtyard",
    "stones",
    "agate",
    "barley",
    "sea",
    "forest",
    "skyline",
    "planet",
)
"""Families for a prompt none of whose words is known; the prompt's hash chooses."""
