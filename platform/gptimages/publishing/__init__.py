"""Publishing: versions of the privacy policy, telling people, and going on as acceptance."""
