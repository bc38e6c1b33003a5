"""What post and hub say to each other; both ends use these files. Pure."""
