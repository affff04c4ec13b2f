/* A base map of tiles behind everything, only where the page names one. Tiles drawn in GCJ-02 are moved and warped to where
   their ground is, each by itself; the data stay where they are. */
(function () {
  "use strict";

  var el = Parkwise.el;
  var A = 6378245, E2 = 0.00669342162296594323, BOX = [72.004, 0.8293, 137.8347, 55.8271]; /* as in layers/datum.py */
  var THROUGH = 0.72; /* parcels let the ground be seen */
  var SPARE = 8; /* px, since neighbouring tiles move by a little more or less */

  function waves(t) {
    return (20 * Math.sin(6 * t * Math.PI) + 20 * Math.sin(2 * t * Math.PI)) * 2 / 3;
  }

  function swing(t, a, b) {
    return (20 * Math.sin(t * Math.PI) + 40 * Math.sin(t / 3 * Math.PI)) * 2 / 3 + (a * Math.sin(t / 12 * Math.PI) + b * Math.sin(t / 30 * Math.PI)) * 2 / 3;
  }

  /* Where GCJ-02 shows a true place. */
  Parkwise.toGcj = function (place) {
    var lng = place.lng, lat = place.lat;
    if (lng < BOX[0] || lng > BOX[2] || lat < BOX[1] || lat > BOX[3]) return L.latLng(lat, lng);
    var x = lng - 105, y = lat - 35, root = Math.sqrt(Math.abs(x));
    var north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves(x) + swing(y, 160, 320);
    var east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves(x) + swing(x, 150, 300);
    var s = Math.sin(lat * Math.PI / 180), w = 1 - E2 * s * s, turn = 180 / Math.PI;
    return L.latLng(
      lat + north * turn / (A * (1 - E2) / (w * Math.sqrt(w))),
      lng + east * turn / (A / Math.sqrt(w) * Math.cos(lat * Math.PI / 180)));
  };

  /* The true place of what GCJ-02 shows: each round leaves less than a twentieth of the error. */
  Parkwise.fromGcj = function (place) {
    var lng = place.lng, lat = place.lat;
    for (var turn = 0; turn < 12; turn++) {
      var shown = Parkwise.toGcj({ lat: lat, lng: lng });
      lng += place.lng - shown.lng;
      lat += place.lat - shown.lat;
    }
    return L.latLng(lat, lng);
  };

  Parkwise.ShiftedTiles = L.TileLayer.extend({
    /* Tiles are counted in GCJ-02: those asked for lie around where it shows the middle of the map. */
    _getTiledPixelBounds: function (center) {
      var bounds = L.TileLayer.prototype._getTiledPixelBounds.call(this, Parkwise.toGcj(center));
      return L.bounds(bounds.min.subtract([SPARE, SPARE]), bounds.max.add([SPARE, SPARE]));
    },

    _addTile: function (coords, container) {
      L.TileLayer.prototype._addTile.call(this, coords, container);
      var tile = this._tiles[this._tileCoordsToKey(coords)].el, m = this.warp(coords);
      tile.style.transformOrigin = "0 0";
      tile.style.transform = "matrix(" + m.map(function (one) { return one.toFixed(6); }).join(",") + ")";
    },

    /* The affine map that takes three corners of a tile to their true places, in pixels of its level. */
    warp: function (coords) {
      var map = this._map, size = this.getTileSize(), origin = this._level.origin;
      function at(x, y) {
        var shown = map.unproject(L.point((coords.x + x) * size.x, (coords.y + y) * size.y), coords.z);
        return map.project(Parkwise.fromGcj(shown), coords.z).subtract(origin);
      }
      var corner = at(0, 0), right = at(1, 0).subtract(corner), down = at(0, 1).subtract(corner);
      return [right.x / size.x, right.y / size.x, down.x / size.y, down.y / size.y, corner.x, corner.y];
    },
  });

  /* The layer behind the others, {} where none is asked for. */
  Parkwise.City.prototype.baseLayer = function () {
    var base = this.page.basemap, map = this.map, city = this;
    if (!base) return {};
    map.createPane("pw-basemap").style.zIndex = 150;
    var kind = base.datum === "gcj02" ? Parkwise.ShiftedTiles : L.TileLayer;
    var said = el("p", { class: "pw-attribution" }, el("bdi", {}, base.attribution));
    var missing = el("p", { class: "pw-basemap-missing", role: "status" });
    var layer = L.layerGroup(base.tiles.map(function (address) {
      return new kind(address, {
        pane: "pw-basemap", subdomains: base.subdomains, maxNativeZoom: base.max_zoom, maxZoom: map.getMaxZoom(), className: "pw-tiles",
      });
    }));
    var arrived = false;
    layer.eachLayer(function (one) {
      one.on("tileload", function () { arrived = true; missing.textContent = ""; });
      one.on("tileerror", function () { if (!arrived) missing.textContent = city.page.words.basemap_missing; });
    });
    layer.on("add remove", function (event) {
      var shown = event.type === "add";
      said.hidden = missing.hidden = !shown;
      if (city.layers) city.seeGround();
    });
    map.getContainer().append(el("div", { class: "pw-based" }, missing, said));
    return { basemap: layer.addTo(map) };
  };

  /* Parcels let the ground through while there is one. */
  Parkwise.City.prototype.seeGround = function () {
    var base = this.layers.basemap;
    if (base) this.layers.parcels.setOpacity(this.map.hasLayer(base) ? THROUGH : 1);
  };
})();
