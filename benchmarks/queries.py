"""The questions in SQL, as well as we could write them, for every engine that speaks it.

Both kernels ask the same: for each large shape, the area that small shapes have in common with it. For parcels × parks
the parcels are small and the parks large; for buildings on parcels the buildings are small and the parcels large.
Tables are `id, geom`. Each query returns `id, area` for the large shapes that have any.

`plain` asks for the intersection of every pair. `covers` takes the whole area where the large shape covers the small
one. `two joins` lets the engine join by `ST_Covers`, for which some prepare shapes, and cuts only the pairs
left over. `tiles` first cuts every large shape into smaller pieces.
"""

from __future__ import annotations

__all__ = ["KERNELS", "duckdb_sql", "postgis_sql", "sedonadb_sql"]

#: Small and large shapes of each kernel.
KERNELS = {"parks": ("parcels", "parks"), "buildings": ("buildings", "parcels")}

PLAIN = """
SELECT l.id, sum(ST_Area(ST_Intersection(s.geom, l.geom))) AS area
FROM {small} s JOIN {large} l ON ST_Intersects(s.geom, l.geom)
GROUP BY l.id
"""

COVERS = """
SELECT l.id, sum(CASE WHEN ST_Covers(l.geom, s.geom) THEN ST_Area(s.geom)
                 ELSE ST_Area(ST_Intersection(s.geom, l.geom)) END) AS area
FROM {small} s JOIN {large} l ON ST_Intersects(s.geom, l.geom)
GROUP BY l.id
"""

TWO_JOINS = """
WITH whole AS (
    SELECT l.id AS large, s.id AS small, ST_Area(s.geom) AS area
    FROM {large} l JOIN {small} s ON ST_Covers(l.geom, s.geom)
), touching AS (
    SELECT l.id AS large, s.id AS small, l.geom AS one, s.geom AS other
    FROM {large} l JOIN {small} s ON ST_Intersects(l.geom, s.geom)
)
SELECT large AS id, sum(area) AS area FROM (
    SELECT large, area FROM whole
    UNION ALL
    SELECT large, ST_Area(ST_Intersection(other, one)) FROM touching
    WHERE NOT EXISTS (SELECT 1 FROM whole WHERE whole.large = touching.large AND whole.small = touching.small)
) pairs
GROUP BY large
"""

#: DuckDB has no ST_Subdivide: each large shape is cut by a grid of four by four over its own box.
DUCKDB_TILES = """
WITH cells AS (
    SELECT id, geom, x0 + (x1 - x0) * i / 4 AS x, y0 + (y1 - y0) * j / 4 AS y, (x1 - x0) / 4 AS w, (y1 - y0) / 4 AS h
    FROM (SELECT *, ST_XMin(geom) x0, ST_XMax(geom) x1, ST_YMin(geom) y0, ST_YMax(geom) y1 FROM {large}),
         range(4) columns(i), range(4) rows(j)
), cut AS (
    SELECT id, ST_Intersection(geom, ST_MakeEnvelope(x, y, x + w, y + h)) AS geom FROM cells
), tiles AS MATERIALIZED (SELECT * FROM cut WHERE NOT ST_IsEmpty(geom))
"""

POSTGIS_TILES = "WITH tiles AS MATERIALIZED (SELECT id, ST_Subdivide(geom, 256) AS geom FROM {large})"

_FORMS = {"plain": PLAIN, "covers": COVERS, "two joins": TWO_JOINS}


def sedonadb_sql(kernel: str) -> dict[str, str]:
    """Return each form of the question; tiles bring nothing where the join prepares its shapes."""
    return _forms(kernel)


def duckdb_sql(kernel: str) -> dict[str, str]:
    """Return each form of the question."""
    return _forms(kernel) | _tiled(kernel, DUCKDB_TILES)


def postgis_sql(kernel: str) -> dict[str, str]:
    """Return each form of the question."""
    return _forms(kernel) | _tiled(kernel, POSTGIS_TILES)


def _forms(kernel: str) -> dict[str, str]:
    small, large = KERNELS[kernel]
    return {name: sql.format(small=small, large=large) for name, sql in _FORMS.items()}


def _tiled(kernel: str, tiles: str) -> dict[str, str]:
    """Only parks have so many corners that it pays to cut them up."""
    small, large = KERNELS[kernel]
    return {"tiles": tiles.format(large=large) + COVERS.format(small=small, large="tiles")} if kernel == "parks" else {}
