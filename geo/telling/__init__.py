"""What was found, in words for a terminal: figures and policies, clauses, ratings."""
