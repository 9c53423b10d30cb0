"""Photos: the page, and how a photo is processed, drawn and packed."""
