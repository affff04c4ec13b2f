"""What leaves the house (公开版): an assessment without firms, with coarse parcels and no figure of few firms.

    suppression (which cells) → figures ┐
    names (who is never named) → people ┼→ redact ← stated (the rules, in words)
    coarse (where parcels lie)          ┘

The faces (maps, reports, workbook) see what `redact` returns and nothing else, so that none of them decides anew.
"""
