"""The commune hub: one act, many bells, the truth about each."""
