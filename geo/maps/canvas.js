/* Parcels on canvas tiles: Parkwise.ParcelLayer. Knows shapes, the class of each and the fill of each class. */
(function () {
  "use strict";

  var TILE = 512;
  var PATTERN = 8;
  var LINES_FROM_PX = 9; /* from this size of a parcel of 40 m on, parcels have edges */

  /* A fill for a canvas: a colour, or a pattern of it. Patterns repeat within a tile's side, so tiles match. */
  Parkwise.fill = function (context, colour, pattern) {
    if (!pattern) return colour;
    var cell = Parkwise.cell(colour, pattern), ratio = Parkwise.ratio();
    var made = context.createPattern(cell, "repeat");
    made.setTransform(new DOMMatrix([1 / ratio, 0, 0, 1 / ratio, 0, 0]));
    return made;
  };

  /* What repeats in a fill: a square of the pattern, or one pixel of the colour. */
  Parkwise.cell = function (colour, pattern) {
    var ratio = pattern ? Parkwise.ratio() : 1;
    var cell = document.createElement("canvas");
    cell.width = cell.height = pattern ? PATTERN * ratio : 1;
    var pen = cell.getContext("2d", { willReadFrequently: true });
    pen.scale(ratio, ratio);
    pen.fillStyle = colour;
    if (pattern) drawPattern(pen, colour, pattern);
    else pen.fillRect(0, 0, 1, 1);
    return cell;
  };

  Parkwise.ratio = function () {
    return Math.min(2, Math.max(1, window.devicePixelRatio || 1));
  };

  function channels(colour) {
    return [1, 3, 5].map(function (at) { return parseInt(colour.slice(at, at + 2), 16); });
  }

  /* The same hue, dark enough to be read on a light ground. */
  Parkwise.darker = function (colour) {
    return "rgb(" + channels(colour).map(function (part) { return Math.round(part * 0.62); }).join(",") + ")";
  };

  function ink(colour) {
    var parts = channels(colour);
    var light = (parts[0] * 299 + parts[1] * 587 + parts[2] * 114) / 1000;
    return light > 215 ? "rgba(90,98,104,.55)" : "rgba(20,24,28,.5)";
  }

  function drawPattern(pen, colour, pattern) {
    pen.fillStyle = colour;
    pen.fillRect(0, 0, PATTERN, PATTERN);
    pen.strokeStyle = pen.fillStyle = ink(colour);
    pen.lineWidth = 1;
    pen.beginPath();
    if (pattern === "dots") {
      pen.arc(PATTERN / 2, PATTERN / 2, 1.1, 0, 2 * Math.PI);
      pen.fill();
      return;
    }
    if (pattern === "hatch" || pattern === "cross") {
      pen.moveTo(-2, PATTERN + 2); pen.lineTo(PATTERN + 2, -2);
      pen.moveTo(-2, 2); pen.lineTo(2, -2);
      pen.moveTo(PATTERN - 2, PATTERN + 2); pen.lineTo(PATTERN + 2, PATTERN - 2);
    }
    if (pattern === "cross") {
      pen.moveTo(-2, -2); pen.lineTo(PATTERN + 2, PATTERN + 2);
    }
    if (pattern === "lines") {
      pen.moveTo(0, PATTERN / 2); pen.lineTo(PATTERN, PATTERN / 2);
    }
    pen.stroke();
  }

  /* A large shape as a layer of Leaflet. It is projected from the grid itself, and of corners less than a pixel apart the
     first stands for the rest: display only. Outer rings and holes are told apart by even-odd filling. */
  Parkwise.Outline = L.Polygon.extend({
    initialize: function (shapes, s, options) {
      L.Polygon.prototype.initialize.call(this, Parkwise.bounds(shapes, s), options);
      this.shapes = shapes;
      this.row = s;
    },

    /* Leaflet asks at every zoom; corners are turned into pixels only when the shape comes into sight. */
    _projectLatlngs: function (_, rings, box) {
      var b = this.shapes.box, s = this.row, view = this.view();
      [0, 2].forEach(function (at) {
        box.extend(L.point(view.left + b[4 * s + at] * view.scale, view.top - b[4 * s + at + 1] * view.scale));
      });
      this.waiting = rings;
    },

    _clipPoints: function () {
      if (this.waiting && this._pxBounds && this._pxBounds.intersects(this._renderer._bounds)) this.project();
      L.Polygon.prototype._clipPoints.call(this);
    },

    /* Grid × scale, shifted by left and top, is a pixel of Leaflet's layers. */
    view: function () {
      var origin = this._map.getPixelOrigin(), world = this._map.options.crs.scale(this._map.getZoom());
      return { scale: (Parkwise.GRID_M / Parkwise.AROUND_M) * world, left: world / 2 - origin.x, top: world / 2 - origin.y };
    },

    project: function () {
      var shapes = this.shapes, view = this.view();
      for (var r = shapes.shape[this.row]; r < shapes.shape[this.row + 1]; r++) {
        var ring = [], lastX = Infinity, lastY = Infinity;
        for (var v = shapes.ring[r]; v < shapes.ring[r + 1]; v++) {
          var x = view.left + shapes.x[v] * view.scale, y = view.top - shapes.y[v] * view.scale;
          if (Math.abs(x - lastX) < 1 && Math.abs(y - lastY) < 1) continue;
          ring.push(L.point(x, y));
          lastX = x;
          lastY = y;
        }
        this.waiting.push(ring);
      }
      this.waiting = null;
    },
  });

  Parkwise.ParcelLayer = L.GridLayer.extend({
    options: { tileSize: TILE, updateWhenIdle: false, updateWhenZooming: false, keepBuffer: 1, className: "parkwise-parcels" },

    initialize: function (data, options) {
      L.GridLayer.prototype.initialize.call(this, options);
      this.data = data;
      this.hidden = new Set();
      this.spare = []; /* canvases of tiles that are gone: making new ones at every zoom costs more than painting them */
      this.on("tileunload", function (event) { this.spare.push(event.tile); }, this);
    },

    /* Show another theme: {classOf, classes}; what is on screen is painted over in place. Classes that stay may stay hidden. */
    show: function (theme, hidden) {
      this.theme = theme;
      this.hidden = new Set(hidden || []);
      this.fills = this.inks = null;
      this.repaint();
    },

    toggle: function (place, visible) {
      if (visible) this.hidden.delete(place);
      else this.hidden.add(place);
      this.repaint();
    },

    /* Tiles in sight are painted over; those kept beside it are dropped, and come back when they come into sight. */
    repaint: function () {
      if (!this._map) return;
      var seen = this._pxBoundsToTileRange(this._getTiledPixelBounds(this._map.getCenter()));
      for (var key in this._tiles) {
        var tile = this._tiles[key];
        if (tile.coords.z === this._tileZoom && seen.contains(tile.coords)) this.paint(tile.el, tile.coords);
        else this._removeTile(key);
      }
    },

    /* Quarter zoom levels keep their own tiles, so that the picture is sharp at each. */
    _setView: function (center, zoom, noPrune, noUpdate) {
      this.asked = Math.round(zoom * 4) / 4;
      L.GridLayer.prototype._setView.call(this, center, zoom, noPrune, noUpdate);
    },

    _clampZoom: function () {
      return this.asked;
    },

    createTile: function (coords) {
      var tile = this.spare.pop() || document.createElement("canvas"), side = Math.floor(TILE * Parkwise.ratio());
      if (tile.width !== side) tile.width = tile.height = side;
      tile.setAttribute("aria-hidden", "true");
      this.paint(tile, coords);
      return tile;
    },

    paint: function (tile, coords) {
      var pen = tile.getContext("2d");
      var ratio = Parkwise.ratio();
      pen.setTransform(1, 0, 0, 1, 0, 0);
      if (this.theme && this.isFar(coords)) return pen.putImageData(this.picture(tile.width, coords), 0, 0);
      pen.clearRect(0, 0, tile.width, tile.height);
      if (!this.theme) return;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      if (!this.fills) {
        this.fills = this.theme.classes.map(function (one) { return Parkwise.fill(pen, one.fill, one.pattern); });
      }
      this.paintShapes(pen, coords);
    },

    /* Where a tile lies: grid × scale, shifted by left and top, is its pixel. */
    view: function (coords) {
      var world = 256 * Math.pow(2, coords.z);
      return { scale: (Parkwise.GRID_M / Parkwise.AROUND_M) * world, left: world / 2 - coords.x * TILE, top: world / 2 - coords.y * TILE };
    },

    /* From afar shapes are too small and too many for outlines: they are painted as pixels. */
    isFar: function (coords) {
      return this.view(coords).scale * 400 <= LINES_FROM_PX;
    },

    picture: function (side, coords) {
      if (!this.raster || this.raster.side !== side) this.raster = new Parkwise.Raster(side, side > TILE ? 1 : 2);
      if (!this.inks) this.inks = [Parkwise.NO_INK].concat(this.theme.classes.map(function (one) { return Parkwise.ink(one.fill, one.pattern); }));
      var hidden = this.hidden, view = this.view(coords), finer = side / TILE;
      var idOf = Uint16Array.from(this.theme.classes, function (_, at) { return hidden.has(at) ? 0 : at + 1; });
      this.raster.paint(this.data.index, { left: view.left * finer, top: view.top * finer, scale: view.scale * finer }, this.theme.classOf, idOf);
      return this.raster.picture(this.inks);
    },

    paintShapes: function (pen, coords) {
      var fills = this.fills, classOf = this.theme.classOf;
      pen.strokeStyle = "rgba(255,255,255,.9)";
      this.eachShape(pen, coords, 2, function (s, lines) {
        pen.fillStyle = fills[classOf[s]];
        pen.fill("evenodd");
        if (lines) pen.stroke();
      }, function (s, x0, y0, w, h) {
        pen.fillStyle = fills[classOf[s]];
        pen.fillRect(x0, y0, w, h);
      });
    },

    /* Trace every shape of a tile that is shown, and `draw` it; what is smaller than `least` pixels is a box, for `box`. */
    eachShape: function (pen, coords, least, draw, box) {
      var view = this.view(coords), left = view.left, top = view.top, scale = view.scale, self = this;
      var shapes = this.data.parcels, b = shapes.box, x = shapes.x, y = shapes.y;
      var classOf = this.theme.classOf, hidden = this.hidden;
      var lines = scale * 400 > LINES_FROM_PX;
      pen.lineWidth = scale * 400 > 40 ? 0.8 : 0.4;
      this.data.index.visit(-left / scale, (top - TILE) / scale, (TILE - left) / scale, top / scale, function (s) {
        var at = classOf[s];
        if (at < 0 || hidden.has(at)) return;
        var x0 = left + b[4 * s] * scale, y0 = top - b[4 * s + 3] * scale;
        var w = (b[4 * s + 2] - b[4 * s]) * scale, h = (b[4 * s + 3] - b[4 * s + 1]) * scale;
        if (w < least && h < least) return box.call(self, s, x0, y0, Math.max(w, 0.8), Math.max(h, 0.8));
        pen.beginPath();
        for (var r = shapes.shape[s]; r < shapes.shape[s + 1]; r++) {
          var v = shapes.ring[r], end = shapes.ring[r + 1];
          pen.moveTo(left + x[v] * scale, top - y[v] * scale);
          for (v++; v < end; v++) pen.lineTo(left + x[v] * scale, top - y[v] * scale);
          pen.closePath();
        }
        draw.call(self, s, lines);
      });
    },
  });
})();
