"""The page on the post: keepers' and villagers' pages, a JSON API, health and metrics. The only door to fastapi on the post."""
