"""Masks, hands and scarves drawn onto unmasked faces, to train on."""
