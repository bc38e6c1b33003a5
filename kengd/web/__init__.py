"""The page on the post: a plain JSON API, health and metrics. The only door to fastapi on the post."""
