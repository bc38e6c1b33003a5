"""Draws the printed sheets of a bell post; `python -m firmware_config.wiring.generator` writes them anew."""
