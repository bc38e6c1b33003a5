"""What the hub's and the post's pages have in common: frame, language, style sheet, modules, drawn blows. Serves nothing itself."""
