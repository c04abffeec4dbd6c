"""What invented people are called and what they ask for. Nobody in here exists."""

from __future__ import annotations

from gptimages.studio import styles

_FIRST = """
    Ada Alva Amina Anouk Aris Bela Bo Carmen Cato Dalia Dario Edda Eero Elin Emre Esi Fadi Femke Gaia Goran Hana
    Hugo Ida Ilse Imre Iva Jana Jonas Kaia Kofi Lale Leif Lucía Luka Mads Maren Mika Milo Nadia Nils Noor Odile
    Olga Otto Paula Pavel Rania Ravi Rosa Runa Sami Sanna Selin Simo Sofia Tamar Tilda Timur Uma Vera Viggo
    Wanda Yara Yusuf Zoe
"""
_LAST = """
    Aalto Abara Alm Amsel Arden Bakke Balint Berg Bianchi Brandt Cerny Corvo Dahl Demir Doyle Ekman Elster Falk
    Ferro Fonseca Garnier Grau Haas Hale Horvat Iversen Jansen Kallas Karim Keller Kowal Lark Lindqvist Maas
    Marin Moreau Nagy Nilsen Novak Oduya Olsen Pereira Petrov Quist Rahal Reyes Rossi Sandoval Sato Silva Stein
    Sund Tamm Toivonen Usman Vance Vidal Wolff Ybarra Zeman
"""
FIRST, LAST = tuple(_FIRST.split()), tuple(_LAST.split())
COUNTRIES = ("DE", "FR", "NO", "ES", "IT", "NL", "PL", "SE", "GB", "US", "IE", "PT")
STREETS = (
    "Quiet Harbour Lane",
    "Heron Walk",
    "Barley Row",
    "Lantern Steps",
    "Old Ferry Street",
    "Quince Court",
)
PROMPTS = (
    "Ridges going blue, one behind the other, before anyone is up",
    "Dunes an hour before dark, the shade the colour of plums",
    "The marsh at first frost, one heron in the shallows",
    "Northern lights twice, once in the lake",
    "A dahlia folded from paper, lit from inside",
    "A courtyard nobody hurries through, late afternoon",
    "Four stones that trust each other",
    "Wind, drawn by barley",
    "The inside of a stone that remembers the sea",
    "A valley cut from seven sheets of paper",
    "Rain on the tram window, the city behind it out of focus",
    "Snow in a spruce forest, the path gone",
    "A contour map of an island that is not there",
    "The harbour at dusk, lamps beginning",
    "Still life with a blue jug and three quinces",
    "Petals like pages, turned by nobody",
    "Fog over the fjord, one boat",
    "A desert road seen from the moon",
)
TOPICS = ("pictures", "account", "billing", "privacy", "other")
QUESTIONS = (
    "How do I make a picture in portrait format?",
    "Which of my pictures count against my plan?",
    "Can I use a picture on the cover of a small book?",
    "Where do I see what you hold about me?",
    "My reference picture came out mirrored, why is that?",
)
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_1) AppleWebKit/605.1.15 Version/19.0 Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/156.0.0.0 Mobile Safari/537.36",
)
STYLES = tuple(style.id for style in styles.STYLES)
