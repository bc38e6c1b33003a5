"""Write all sheets and the page that prints them: `python -m firmware_config.wiring.generator`."""

from __future__ import annotations

from pathlib import Path

from firmware_config.wiring.generator.binder import files

OUT = Path(__file__).parents[1]


def main() -> None:
    """Sheets that are no longer made are removed."""
    made = files()
    for old in [*OUT.glob("*.svg"), *OUT.glob("*.html")]:
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (OUT / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
