/* Many small shapes at once: Parkwise.Raster turns shapes and their classes into pixels.
   Every pixel is looked at in `samples` × `samples` places, and a place belongs to one shape that covers it:
   neighbours meet without a seam, edges are smooth, and what is smaller than a place still gets one. */
(function () {
  "use strict";

  Parkwise.Raster = function (side, samples) {
    this.side = side;
    this.samples = samples;
    this.wide = side * samples;
    this.ids = new Uint16Array(this.wide * this.wide);
    this.image = new ImageData(side, side);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.head = new Int32Array(this.wide); /* the last crossing of each row, and from there back to the first */
    this.before = new Int32Array(1024);
    this.cut = new Float64Array(1024);
  };

  /* Paint what of an index lies on a tile; `view` = {left, top, scale} leads to its pixels, `idOf` from a class to its number, 0 for none. */
  Parkwise.Raster.prototype.paint = function (index, view, classOf, idOf) {
    var raster = this, shapes = index.shapes, b = shapes.box, many = this.samples;
    var left = view.left * many, top = view.top * many, scale = view.scale * many, wide = this.wide;
    this.ids.fill(0);
    index.visit(-left / scale, (top - wide) / scale, (wide - left) / scale, top / scale, function (s) {
      var id = classOf[s] < 0 ? 0 : idOf[classOf[s]];
      if (id === 0) return;
      var x0 = left + b[4 * s] * scale, x1 = left + b[4 * s + 2] * scale;
      var y0 = top - b[4 * s + 3] * scale, y1 = top - b[4 * s + 1] * scale;
      if (x1 - x0 < 2 && y1 - y0 < 2) raster.box(x0, y0, x1, y1, id);
      else if (!raster.shape(shapes, s, left, top, scale, id)) {
        if (x1 - x0 < 1 || y1 - y0 < 1) raster.box(x0, y0, x1, y1, id);
        else raster.box((x0 + x1) / 2, (y0 + y1) / 2, (x0 + x1) / 2, (y0 + y1) / 2, id);
      }
    });
  };

  /* A box: the places whose middle it covers, else the one it lies in. */
  Parkwise.Raster.prototype.box = function (x0, y0, x1, y1, id) {
    var wide = this.wide, ids = this.ids;
    var from = Math.round(x0), to = Math.round(x1), first = Math.round(y0), last = Math.round(y1);
    if (from === to) to = (from = Math.floor((x0 + x1) / 2)) + 1;
    if (first === last) last = (first = Math.floor((y0 + y1) / 2)) + 1;
    to = Math.min(wide, to);
    last = Math.min(wide, last);
    for (var y = Math.max(0, first); y < last; y++) {
      for (var at = y * wide + Math.max(0, from), end = y * wide + to; at < end; at++) ids[at] = id;
    }
  };

  /* A polygon with its holes, row by row between the places where edges cross the middle of the row; says whether it covers any. */
  Parkwise.Raster.prototype.shape = function (shapes, s, left, top, scale, id) {
    var x = shapes.x, y = shapes.y, b = shapes.box, head = this.head, cut = this.cut, before = this.before, count = 0;
    var lowest = Math.max(0, Math.ceil(top - b[4 * s + 3] * scale - 0.5));
    var beyond = Math.min(this.wide, Math.ceil(top - b[4 * s + 1] * scale - 0.5));
    for (var row = lowest; row < beyond; row++) head[row] = -1;
    for (var r = shapes.shape[s]; r < shapes.shape[s + 1]; r++) {
      var end = shapes.ring[r + 1], v = shapes.ring[r];
      var xa = left + x[end - 1] * scale, ya = top - y[end - 1] * scale - 0.5;
      for (; v < end; v++) {
        var xb = left + x[v] * scale, yb = top - y[v] * scale - 0.5;
        var first = Math.max(lowest, Math.ceil(ya < yb ? ya : yb)), last = Math.min(beyond, Math.ceil(ya < yb ? yb : ya));
        if (first < last) {
          var slope = (xb - xa) / (yb - ya);
          if (count + last - first > cut.length) { this.grow(count + last - first); cut = this.cut; before = this.before; }
          for (row = first; row < last; row++) {
            cut[count] = xa + (row - ya) * slope;
            before[count] = head[row];
            head[row] = count++;
          }
        }
        xa = xb;
        ya = yb;
      }
    }
    var covered = false;
    for (row = lowest; row < beyond; row++) covered = this.spans(row, head[row], id) || covered;
    return covered;
  };

  Parkwise.Raster.prototype.grow = function (size) {
    var cut = new Float64Array(2 * size), before = new Int32Array(2 * size);
    cut.set(this.cut);
    before.set(this.before);
    this.cut = cut;
    this.before = before;
  };

  /* Fill a row between the first and second crossing, the third and fourth, …. */
  Parkwise.Raster.prototype.spans = function (row, at, id) {
    var cut = this.cut, before = this.before, second = at < 0 ? -1 : before[at];
    if (second < 0) return false;
    if (before[second] < 0) return this.span(row, Math.min(cut[at], cut[second]), Math.max(cut[at], cut[second]), id);
    var found = [], covered = false;
    for (; at >= 0; at = before[at]) found.push(cut[at]);
    found.sort(function (a, b) { return a - b; });
    for (var k = 0; k + 1 < found.length; k += 2) covered = this.span(row, found[k], found[k + 1], id) || covered;
    return covered;
  };

  Parkwise.Raster.prototype.span = function (row, x0, x1, id) {
    var ids = this.ids, wide = this.wide;
    var from = row * wide + Math.max(0, Math.ceil(x0 - 0.5)), to = row * wide + Math.min(wide, Math.ceil(x1 - 0.5));
    for (var at = from; at < to; at++) ids[at] = id;
    return from < to;
  };

  /* The picture of what was painted; `inks[id]` is {side, colours}: a square of colours that repeats. */
  Parkwise.Raster.prototype.picture = function (inks) {
    var ids = this.ids, side = this.side, many = this.samples, wide = this.wide, pixels = this.pixels;
    var squares = inks.map(function (ink) { return ink.colours; }), sides = Uint16Array.from(inks, function (ink) { return ink.side; });
    var solid = Uint32Array.from(inks, function (ink) { return ink.colours[0]; });
    for (var y = 0, at = 0; y < side; y++) {
      for (var x = 0, p = y * many * wide; x < side; x++, at++, p += many) {
        var id = ids[p], every = sides[id];
        if (many > 1 && (ids[p + 1] !== id || ids[p + wide] !== id || ids[p + wide + 1] !== id)) {
          pixels[at] = this.mixed(inks, p, x, y);
        } else pixels[at] = every === 1 ? solid[id] : squares[id][(y % every) * every + (x % every)];
      }
    }
    return this.image;
  };

  /* The middle of the colours of four places, as clear as many of them are nothing. */
  Parkwise.Raster.prototype.mixed = function (inks, at, x, y) {
    var red = 0, green = 0, blue = 0, n = 0;
    for (var k = 0; k < 4; k++) {
      var id = this.ids[at + (k & 1) + (k >> 1) * this.wide], ink = inks[id];
      if (!id) continue;
      var colour = ink.colours[(y % ink.side) * ink.side + (x % ink.side)];
      red += colour & 255;
      green += (colour >>> 8) & 255;
      blue += (colour >>> 16) & 255;
      n++;
    }
    return (Math.round(n * 63.75) << 24) | (Math.round(blue / n) << 16) | (Math.round(green / n) << 8) | Math.round(red / n);
  };

  Parkwise.NO_INK = { side: 1, colours: new Uint32Array(1) };

  /* What a class is filled with, as a square of colours that repeats. */
  Parkwise.ink = function (colour, pattern) {
    var cell = Parkwise.cell(colour, pattern);
    var pen = cell.getContext("2d", { willReadFrequently: true });
    return { side: cell.width, colours: new Uint32Array(pen.getImageData(0, 0, cell.width, cell.height).data.buffer) };
  };
})();
