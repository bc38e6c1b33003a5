"""Typed settings. `plan` is plain data for the belfry; `model` (pydantic) reads the TOML; `compile` turns one into the other."""
