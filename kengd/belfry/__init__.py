"""The belfry (tháp kẻng): small, alone, always there. Owns relay, buttons and lamps. Standard library and gpiozero only."""
