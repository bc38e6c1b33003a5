"""kengd: village alarm bells (kẻng) dispatched from a button, a timetable or the commune's hub."""

__version__ = "0.1.0"
