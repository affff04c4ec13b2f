"""Evaluation of zones: a tree of weighted scores (`tree`), and verdicts on ranks over the years (`years`)."""
