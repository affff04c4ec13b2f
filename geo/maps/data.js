/* The block of shapes and columns, unpacked: Parkwise.unpack(text) → data.
   Written by geo/maps/packing.py; whole numbers in byte planes inside gzip, coordinates as differences
   on a grid of 0.1 m of Web Mercator. */
var Parkwise = (function () {
  "use strict";

  var GRID_M = 0.1;
  var AROUND_M = 2 * Math.PI * 6378137;

  async function unpack(text) {
    var stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
    var raw = new Uint8Array(await new Response(stream).arrayBuffer());
    var size = raw[0] | (raw[1] << 8) | (raw[2] << 16) | (raw[3] << 24);
    var header = JSON.parse(new TextDecoder().decode(raw.subarray(4, 4 + size)));
    return new Data(header, raw.subarray(4 + size));
  }

  function bytes(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    var coded = atob(text), made = new Uint8Array(coded.length);
    for (var i = 0; i < coded.length; i++) made[i] = coded.charCodeAt(i);
    return made;
  }

  function Data(header, planes) {
    this.header = header;
    this.planes = planes;
    this.read = {};
    this.parcels = this.shapes("parcels");
    this.index = new Index(this.parcels);
  }

  Data.prototype.has = function (name) {
    return Object.prototype.hasOwnProperty.call(this.header, name);
  };

  /* A column by name: texts, whole numbers, or numbers with NaN for missing. Read once. */
  Data.prototype.column = function (name) {
    if (!this.read[name]) this.read[name] = this.decode(this.header[name]);
    return this.read[name];
  };

  Data.prototype.decode = function (told) {
    if (told.texts) return told.texts;
    if (told.planes > 4) return this.decodeLarge(told);
    var n = told.n, planes = this.planes, out = new Int32Array(n), sum = 0, i;
    for (var plane = 0, at = told.at; plane < told.planes; plane++) {
      var shift = 8 * plane;
      for (i = 0; i < n; i++) out[i] |= planes[at++] << shift;
    }
    if (told.scale) return scaled(Float64Array.from(out, function (step) { return step >>> 0; }), told.scale);
    if (told.delta) for (i = 0; i < n; i++) out[i] = sum += (out[i] >>> 1) ^ -(out[i] & 1);
    return out;
  };

  /* Whole numbers of more than 32 bits. */
  Data.prototype.decodeLarge = function (told) {
    var out = new Float64Array(told.n), at = told.at;
    for (var plane = 0, weight = 1; plane < told.planes; plane++, weight *= 256) {
      for (var i = 0; i < told.n; i++) out[i] += this.planes[at++] * weight;
    }
    if (told.scale) return scaled(out, told.scale);
    return told.delta ? summed(out) : Int32Array.from(out);
  };

  function unzigzag(value) {
    return value % 2 ? -(value + 1) / 2 : value / 2;
  }

  function scaled(steps, scale) {
    for (var i = 0; i < steps.length; i++) steps[i] = steps[i] === 0 ? NaN : unzigzag(steps[i] - 1) / scale;
    return steps;
  }

  function summed(steps) {
    var out = new Int32Array(steps.length);
    for (var i = 0, sum = 0; i < steps.length; i++) out[i] = sum += unzigzag(steps[i]);
    return out;
  }

  /* Starts from sizes: [2, 3] → [0, 2, 5]. */
  function starts(sizes) {
    var out = new Int32Array(sizes.length + 1);
    for (var i = 0; i < sizes.length; i++) out[i + 1] = out[i] + sizes[i];
    return out;
  }

  /* Which entries of a list column belong to a row: {from, to}. */
  Data.prototype.span = function (name, row) {
    if (!this.has(name + ".count")) return { from: 0, to: 0 };
    var key = name + ".starts";
    if (!this.read[key]) this.read[key] = starts(this.column(name + ".count"));
    return { from: this.read[key][row], to: this.read[key][row + 1] };
  };

  /* The word a row points at, "" for none. */
  Data.prototype.word = function (name, row) {
    var place = this.column(name)[row];
    return place > 0 ? this.column(name + ".words")[place - 1] : "";
  };

  Data.prototype.shapes = function (name) {
    if (!this.has(name + ".x")) return { count: 0 };
    var x = this.column(name + ".x"), y = this.column(name + ".y");
    var ring = starts(this.column(name + ".ring")), shape = starts(this.column(name + ".rings"));
    var count = shape.length - 1;
    var box = new Int32Array(4 * count);
    for (var s = 0; s < count; s++) {
      var x0 = 2147483647, y0 = x0, x1 = -x0, y1 = -x0;
      for (var v = ring[shape[s]]; v < ring[shape[s + 1]]; v++) {
        if (x[v] < x0) x0 = x[v];
        if (x[v] > x1) x1 = x[v];
        if (y[v] < y0) y0 = y[v];
        if (y[v] > y1) y1 = y[v];
      }
      box[4 * s] = x0; box[4 * s + 1] = y0; box[4 * s + 2] = x1; box[4 * s + 3] = y1;
    }
    return { count: count, x: x, y: y, ring: ring, shape: shape, box: box };
  };

  function latLng(x, y) {
    return [Math.atan(Math.sinh((y * GRID_M * 2 * Math.PI) / AROUND_M)) * 180 / Math.PI, (x * GRID_M * 360) / AROUND_M];
  }

  function fromLatLng(place) {
    var sine = Math.sin((place.lat * Math.PI) / 180);
    return { x: ((place.lng / 360) * AROUND_M) / GRID_M, y: (Math.atanh(sine) * AROUND_M) / (2 * Math.PI) / GRID_M };
  }

  function bounds(shapes, s) {
    var b = shapes.box;
    if (b[4 * s] > b[4 * s + 2]) return null;
    return [latLng(b[4 * s], b[4 * s + 1]), latLng(b[4 * s + 2], b[4 * s + 3])];
  }

  /* Shapes by cell of a coarse grid, so that a tile or a click looks at few of them. */
  function Index(shapes) {
    var side = Math.max(1, Math.min(256, Math.ceil(Math.sqrt(shapes.count / 4))));
    var all = [2147483647, 2147483647, -2147483647, -2147483647];
    var b = shapes.box;
    for (var s = 0; s < shapes.count; s++) {
      if (b[4 * s] > b[4 * s + 2]) continue;
      all[0] = Math.min(all[0], b[4 * s]); all[1] = Math.min(all[1], b[4 * s + 1]);
      all[2] = Math.max(all[2], b[4 * s + 2]); all[3] = Math.max(all[3], b[4 * s + 3]);
    }
    this.shapes = shapes;
    this.side = side;
    this.all = all;
    this.width = Math.max(1, (all[2] - all[0]) / side);
    this.height = Math.max(1, (all[3] - all[1]) / side);
    this.seen = new Int32Array(shapes.count);
    this.turn = 0;
    var sizes = new Int32Array(side * side);
    this.eachCell(function (cell) { sizes[cell]++; });
    this.start = starts(sizes);
    var list = (this.list = new Int32Array(this.start[side * side])), next = this.start.slice();
    this.eachCell(function (cell, s) { list[next[cell]++] = s; });
  }

  /* The column or row a coordinate falls into; what lies beyond the grid falls into its edge. */
  function cellAt(value, least, size, side) {
    var cell = Math.floor((value - least) / size);
    return cell < 0 ? 0 : cell >= side ? side - 1 : cell;
  }

  Index.prototype.eachCell = function (visit) {
    var b = this.shapes.box, all = this.all, side = this.side, width = this.width, height = this.height;
    for (var s = 0; s < this.shapes.count; s++) {
      if (b[4 * s] > b[4 * s + 2]) continue;
      var left = cellAt(b[4 * s], all[0], width, side), right = cellAt(b[4 * s + 2], all[0], width, side);
      var top = cellAt(b[4 * s + 3], all[1], height, side);
      for (var j = cellAt(b[4 * s + 1], all[1], height, side); j <= top; j++) for (var i = left; i <= right; i++) visit(j * side + i, s);
    }
  };

  /* Visit every shape whose box meets the given one, once. */
  Index.prototype.visit = function (x0, y0, x1, y1, visit) {
    var b = this.shapes.box, turn = ++this.turn;
    if (x1 < this.all[0] || y1 < this.all[1] || x0 > this.all[2] || y0 > this.all[3]) return;
    var left = cellAt(x0, this.all[0], this.width, this.side), right = cellAt(x1, this.all[0], this.width, this.side);
    var top = cellAt(y1, this.all[1], this.height, this.side);
    for (var j = cellAt(y0, this.all[1], this.height, this.side); j <= top; j++) {
      for (var i = left; i <= right; i++) {
        var cell = j * this.side + i;
        for (var k = this.start[cell]; k < this.start[cell + 1]; k++) {
          var s = this.list[k];
          if (this.seen[s] === turn) continue;
          this.seen[s] = turn;
          if (b[4 * s] <= x1 && b[4 * s + 2] >= x0 && b[4 * s + 1] <= y1 && b[4 * s + 3] >= y0) visit(s);
        }
      }
    }
  };

  /* The smallest shape a place lies in, −1 for none. */
  Index.prototype.at = function (x, y) {
    var found = -1, least = Infinity, shapes = this.shapes, b = shapes.box;
    this.visit(x, y, x, y, function (s) {
      var size = (b[4 * s + 2] - b[4 * s]) * (b[4 * s + 3] - b[4 * s + 1]);
      if (size < least && inside(shapes, s, x, y)) { found = s; least = size; }
    });
    return found;
  };

  function inside(shapes, s, x, y) {
    var odd = false;
    for (var r = shapes.shape[s]; r < shapes.shape[s + 1]; r++) {
      for (var v = shapes.ring[r], w = shapes.ring[r + 1] - 1; v < shapes.ring[r + 1]; w = v++) {
        var above = shapes.y[v] > y;
        if (above === shapes.y[w] > y) continue;
        if (x < ((shapes.x[w] - shapes.x[v]) * (y - shapes.y[v])) / (shapes.y[w] - shapes.y[v]) + shapes.x[v]) odd = !odd;
      }
    }
    return odd;
  }

  return { unpack: unpack, Index: Index, bounds: bounds, latLng: latLng, fromLatLng: fromLatLng, GRID_M: GRID_M, AROUND_M: AROUND_M };
})();
