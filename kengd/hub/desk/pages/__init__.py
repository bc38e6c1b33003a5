"""The officers' pages: HTML from the same facts that the API gives, and small modules that keep them live."""
