"""One zone, multiple parks (一区多园): how each zone is put together, and how it could be consolidated.

`found.compose` asks the rooms in turn: `shapes` (compactness and division of a shape), `points` (the parts of
parks and how far they lie from the main park), `zone_table` (a row a zone), `joins` (points that nearly touch
and the land between), `clusters` (scattered industry beside the parks) and `living` (services and homes within a
walk: `ways` chooses between straight lines, `reach`, and roads, `networks`, `routing` and `strips`). No document asks
for any limit used here: all of them are the project's own and printed beside what they find. Nothing is loaded until
it is used.
"""
