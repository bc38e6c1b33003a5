"""What the keeper on duty decides. Pure: time and events are given, answers are data."""
