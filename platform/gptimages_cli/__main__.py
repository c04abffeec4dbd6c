"""`python -m gptimages_cli`: the command `gptimages`."""

from gptimages_cli.main import main

main()
