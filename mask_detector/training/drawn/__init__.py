"""Masks, hands and scarves drawn onto bare faces, to train on."""
