"""What the commune vouches for: CA, certificates, signing keys, the broker's settings, the one file each post is given. Files only."""
