/* Parcels on canvas tiles: Parkwise.ParcelLayer. Knows shapes, the class of each and the fill of each class. */
(function () {
  "use strict";

  var TILE = 512;
  var PATTERN = 8;

  /* A fill for a canvas: a colour, or a pattern of it. Patterns repeat within a tile's side, so tiles match. */
  Parkwise.fill = function (context, colour, pattern) {
    if (!pattern) return colour;
    var ratio = Parkwise.ratio();
    var cell = document.createElement("canvas");
    cell.width = cell.height = PATTERN * ratio;
    var pen = cell.getContext("2d");
    pen.scale(ratio, ratio);
    drawPattern(pen, colour, pattern);
    var made = context.createPattern(cell, "repeat");
    made.setTransform(new DOMMatrix([1 / ratio, 0, 0, 1 / ratio, 0, 0]));
    return made;
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

  Parkwise.ParcelLayer = L.GridLayer.extend({
    options: { tileSize: TILE, updateWhenIdle: false, updateWhenZooming: false, keepBuffer: 1, className: "parkwise-parcels" },

    initialize: function (data, options) {
      L.GridLayer.prototype.initialize.call(this, options);
      this.data = data;
      this.hidden = new Set();
    },

    /* Show another theme: {classOf, classes}; what is on screen is painted over in place. Classes that stay may stay hidden. */
    show: function (theme, hidden) {
      this.theme = theme;
      this.hidden = new Set(hidden || []);
      this.fills = null;
      this.repaint();
    },

    toggle: function (place, visible) {
      if (visible) this.hidden.delete(place);
      else this.hidden.add(place);
      this.repaint();
    },

    repaint: function () {
      for (var key in this._tiles) this.paint(this._tiles[key].el, this._tiles[key].coords);
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
      var tile = document.createElement("canvas");
      tile.width = tile.height = TILE * Parkwise.ratio();
      tile.setAttribute("aria-hidden", "true");
      this.paint(tile, coords);
      return tile;
    },

    paint: function (tile, coords) {
      var pen = tile.getContext("2d");
      var ratio = Parkwise.ratio();
      pen.setTransform(1, 0, 0, 1, 0, 0);
      pen.clearRect(0, 0, tile.width, tile.height);
      if (!this.theme) return;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      if (!this.fills) {
        this.fills = this.theme.classes.map(function (one) { return Parkwise.fill(pen, one.fill, one.pattern); });
      }
      this.paintShapes(pen, coords);
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
      var world = 256 * Math.pow(2, coords.z), self = this;
      var scale = (Parkwise.GRID_M / Parkwise.AROUND_M) * world;
      var left = world / 2 - coords.x * TILE, top = world / 2 - coords.y * TILE;
      var shapes = this.data.parcels, b = shapes.box, x = shapes.x, y = shapes.y;
      var classOf = this.theme.classOf, hidden = this.hidden;
      var lines = scale * 400 > 8;
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
