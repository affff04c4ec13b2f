"""Grading of firms by their yield a mu (亩均论英雄): rules as data (`sets`), and what they make of firms (`grades`)."""
