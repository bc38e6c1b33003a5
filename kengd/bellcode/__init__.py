"""What a ring is: pattern, notation, score, codebook. Pure."""
