"""Vector tiles: read back by GDAL, which shares no code with what joins them, and held against the map's own layers."""

import gzip
import re
import sys
from datetime import date

import hand_city
import pandas as pd
import pyogrio
import pytest
import shapely
from test_cli import BARE, folder, run  # noqa: F401  (a fixture)
from test_maps import project

from geo.assessment import assess
from geo.maps.facts import parcel_facts
from geo.redaction.redact import redact
from geo.report.tiles import LAYERS, MOST_ZOOM, write_tiles
from layers.errors import ParkwiseError

pmtiles = pytest.importorskip("pmtiles.reader")


@pytest.fixture(scope="module")
def city():
    return assess(hand_city.frames(), project())


@pytest.fixture(scope="module")
def written(city, tmp_path_factory):
    path = tmp_path_factory.mktemp("tiles") / "市.pmtiles"
    return path, write_tiles(city, path)


def read(path, layer):
    """Every shape of a layer at the finest level, its pieces put together again."""
    frame = pyogrio.read_dataframe(path, layer=layer)
    return frame.dissolve(by=next(name for name in ("uid", "park_id", "zone_id", "district_name") if name in frame))


def test_every_layer_holds_every_shape_with_its_columns(city, written):
    path, told = written
    assert [name for name, _ in pyogrio.list_layers(path)] == list(told)
    assert set(told) == {"districts", "zones", "parks", "parcels", "candidates", "candidate_groups"}
    facts = parcel_facts(city).set_index("uid")
    parcels = read(path, "parcels")
    assert sorted(parcels.index) == sorted(facts.index)
    assert told["parcels"] == len(facts) == len(parcels)
    assert parcels["land_area_m2"].to_dict() == pytest.approx(facts["area_m2"].to_dict())
    assert parcels["tax_per_mu"].dropna().to_dict() == pytest.approx(facts["tax_per_mu"].dropna().to_dict())
    assert parcels["tax_per_mu"].isna().to_dict() == facts.loc[parcels.index, "tax_per_mu"].isna().to_dict()
    assert set(read(path, "parks")["park_name"]) == set(city.land.parks["park_name"])
    assert sorted(read(path, "candidates").index) == sorted(city.candidates.table["uid"])


def test_shapes_lie_where_they_belong(city, written):
    own = city.land.parcels.set_index("uid").geometry.to_crs(3857)
    found = read(written[0], "parcels").geometry
    grid_m = 2 * 20037508.35 / 2**MOST_ZOOM / 4096
    for uid, shape in own.items():
        assert shapely.hausdorff_distance(found[uid], shape) < 2 * grid_m


def test_the_archive_is_sound(city, written):
    with written[0].open("rb") as file:
        source = pmtiles.MmapSource(file)
        reader = pmtiles.Reader(source)
        head, told = reader.header(), reader.metadata()
        tiles = {place: gzip.decompress(data) for place, data in pmtiles.all_tiles(source)}
        del reader, source
    assert told["name"] == "手算市 · 工业用地地图"
    assert "合成数据" in told["description"]
    assert [one["id"] for one in told["vector_layers"]] == list(written[1])
    assert (head["min_zoom"], head["max_zoom"]) == (min(LAYERS.values()), MOST_ZOOM)
    west, south, east, north = city.land.parcels.to_crs(4326).total_bounds * 1e7
    assert head["min_lon_e7"] <= west < east <= head["max_lon_e7"]
    assert head["min_lat_e7"] <= south < north <= head["max_lat_e7"]
    # Parcels begin at their level: below it a tile has no such layer.
    assert {z for (z, _, _), data in tiles.items() if b"\x0a\x07parcels" in data} == {*range(11, MOST_ZOOM + 1)}
    assert {z for (z, _, _), data in tiles.items() if b"\x0a\x05parks" in data} == {*range(5, MOST_ZOOM + 1)}


def test_the_same_city_gives_the_same_tiles(city, written, tmp_path):
    write_tiles(city, tmp_path / "again.pmtiles")
    assert (tmp_path / "again.pmtiles").read_bytes() == written[0].read_bytes()


def test_dates_lists_and_rows_without_a_shape(tmp_path):
    frames = hand_city.frames()
    frames["parks"] = frames["parks"].assign(valid_from=date(2020, 1, 1))
    found = assess(frames, project())
    found.land.parcels.loc[0, "geometry"] = None
    told = write_tiles(found, tmp_path / "one.pmtiles")
    assert told["parcels"] == len(found.land.parcels) - 1
    assert len(read(tmp_path / "one.pmtiles", "parcels")) == told["parcels"]


def test_a_public_run_tells_no_owner_and_no_firm_s_figure(city, tmp_path):
    public = redact(city).assessment
    write_tiles(public, tmp_path / "public.pmtiles")
    parcels = read(tmp_path / "public.pmtiles", "parcels")
    assert {"owner_code", "industry_code"}.isdisjoint(parcels.columns)
    assert "tax_per_mu" not in parcels or parcels["tax_per_mu"].isna().all()
    private = read_private(city, tmp_path)
    assert "tax_per_mu" in private
    assert pd.notna(private["tax_per_mu"]).any()
    with (tmp_path / "public.pmtiles").open("rb") as file:
        assert "公开版" in pmtiles.Reader(pmtiles.MmapSource(file)).metadata()["description"]


def read_private(city, tmp_path):
    write_tiles(city, tmp_path / "private.pmtiles")
    return read(tmp_path / "private.pmtiles", "parcels")


def test_the_command_writes_tiles_and_says_what_is_in_them(folder, tmp_path):  # noqa: F811
    done = run("map", folder, "-o", tmp_path / "city.pmtiles", *BARE)
    assert done.exit_code == 0, done.stderr
    assert re.search(r"city\.pmtiles   .*parcels \d", done.stderr)
    assert len(read(tmp_path / "city.pmtiles", "parcels"))
    again = run("map", folder, "-o", tmp_path / "city.pmtiles", *BARE)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert run("map", folder, "-o", tmp_path / "two.pmtiles", "--theme", "zones", *BARE).exit_code == 2


@pytest.mark.parametrize("ending", [".mbtiles", ".gpkg", ".JPG"])
def test_an_ending_that_is_no_map_is_refused_before_any_work(folder, tmp_path, ending):  # noqa: F811
    done = run("map", folder, "-o", tmp_path / f"city{ending}", *BARE, "--lang", "en")
    assert done.exit_code == 2
    assert all(one in done.stderr for one in (".html", ".pmtiles", ".pdf", ending))
    assert not (tmp_path / f"city{ending}").exists()


def test_without_the_package_the_message_says_what_to_install(city, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pmtiles.reader", None)
    monkeypatch.delitem(sys.modules, "geo.report.tile_archive", raising=False)
    with pytest.raises(ParkwiseError, match=r"parkwise\[tiles\]"):
        write_tiles(city, tmp_path / "city.pmtiles")
