"""The example city: a synthetic city whose figures are known by construction.

`make` builds the canonical layers in memory, `write` puts them on disk as planners have them: a GBK
shapefile without .cpg, a workbook with title rows and 万元 and 亩, a CSV with a byte-order mark. Same
seed, same city. Everything is invented, lies in the open sea, and says so (合成数据).

Rooms: streets → places (districts, parks) → lots → outskirts (works beside a park) → land (uses) →
buildings, firms, surveys, daily (services, homes) → faults → truth; files writes, ground adds rasters.
"""

from layers.example.city import Example, make
from layers.example.files import write
from layers.example.ground import write_ground

__all__ = ["Example", "make", "write", "write_ground"]
