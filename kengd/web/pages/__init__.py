"""The post's pages: the keeper's own, the villagers', and those for training."""
