/* Tools: full screen, coordinates under the pointer, measuring of lengths and areas. All of them work by keys: where
   there is no pointer the middle of the map, marked by a cross, stands for it.
   Lengths are geodesic (Vincenty), areas lie on the ellipsoid between the edges as drawn; both on GRS 80 / CGCS2000. */
(function () {
  "use strict";

  var el = Parkwise.el;
  var A = 6378137, F = 1 / 298.257222101, B = A * (1 - F), E2 = F * (2 - F), E = Math.sqrt(E2);
  var RAD = Math.PI / 180;
  var PIECES = 32; /* of each edge of an area */

  /* ---- on the ellipsoid ---- */

  /* Geodesic length in m between two places, by Vincenty's inverse formula; places nearly opposite give NaN. */
  Parkwise.geodesic = function (from, to) {
    var u1 = Math.atan((1 - F) * Math.tan(from.lat * RAD)), u2 = Math.atan((1 - F) * Math.tan(to.lat * RAD));
    var l = (to.lng - from.lng) * RAD, lambda = l, s1 = Math.sin(u1), c1 = Math.cos(u1), s2 = Math.sin(u2), c2 = Math.cos(u2);
    for (var turn = 0; turn < 100; turn++) {
      var sl = Math.sin(lambda), cl = Math.cos(lambda);
      var ss = Math.hypot(c2 * sl, c1 * s2 - s1 * c2 * cl);
      if (ss === 0) return 0;
      var cs = s1 * s2 + c1 * c2 * cl, sigma = Math.atan2(ss, cs), sa = c1 * c2 * sl / ss, ca2 = 1 - sa * sa;
      var cm = ca2 === 0 ? 0 : cs - 2 * s1 * s2 / ca2, c = F / 16 * ca2 * (4 + F * (4 - 3 * ca2)), before = lambda;
      lambda = l + (1 - c) * F * sa * (sigma + c * ss * (cm + c * cs * (2 * cm * cm - 1)));
      if (Math.abs(lambda - before) > 1e-12) continue;
      var k = ca2 * (A * A - B * B) / (B * B);
      var big = 1 + k / 16384 * (4096 + k * (k * (320 - 175 * k) - 768)), small = k / 1024 * (256 + k * (k * (74 - 47 * k) - 128));
      var d = small * ss * (cm + small / 4 * (cs * (2 * cm * cm - 1) - small / 6 * cm * (4 * ss * ss - 3) * (4 * cm * cm - 3)));
      return B * big * (sigma - d);
    }
    return NaN;
  };

  /* Area between the equator and a latitude, for each radian of longitude, in m². */
  function zone(lat) {
    var s = Math.sin(lat * RAD);
    return (B * B / 2) * (s / (1 - E2 * s * s) + Math.atanh(E * s) / E);
  }

  /* Area in m² on the ellipsoid of a ring whose edges are straight on the map. */
  Parkwise.ringArea = function (places) {
    var sum = 0;
    places.forEach(function (one, at) {
      var other = places[(at + 1) % places.length], p = Parkwise.fromLatLng(one), q = Parkwise.fromLatLng(other);
      for (var k = 0; k < PIECES; k++) {
        var low = p.y + (q.y - p.y) * k / PIECES, high = p.y + (q.y - p.y) * (k + 1) / PIECES;
        sum += (other.lng - one.lng) * RAD / PIECES * zone(Parkwise.latLng(0, (low + high) / 2)[0]);
      }
    });
    return Math.abs(sum);
  };

  /* Coordinates in the plane of the analysis, null where that does not reach. */
  Parkwise.inPlane = function (plane, place) {
    if (!plane || place.lng < plane.west || place.lng > plane.east || place.lat < plane.south || place.lat > plane.north) return null;
    var u = 2 * (place.lng - plane.west) / (plane.east - plane.west) - 1, v = 2 * (place.lat - plane.south) / (plane.north - plane.south) - 1;
    var x = 0, y = 0, at = 0;
    for (var a = 0; a <= plane.degree; a++) {
      for (var b = 0; b <= plane.degree - a; b++, at++) {
        var term = Math.pow(u, a) * Math.pow(v, b);
        x += plane.x[at] * term;
        y += plane.y[at] * term;
      }
    }
    return { x: x, y: y };
  };

  /* ---- on the page ---- */

  Parkwise.City.prototype.drawTools = function () {
    var words = this.page.words, city = this;
    function button(kind, run) {
      var made = el("button", { type: "button", class: "pw-tool pw-tool-" + kind, "aria-pressed": "false", "aria-label": words[kind], title: words[kind], onclick: run });
      return made;
    }
    this.tools = {
      full: button("full", function () { city.fullScreen(); }),
      length: button("length", function () { city.measure("length"); }),
      area: button("area", function () { city.measure("area"); }),
    };
    this.where = el("p", { class: "pw-where", "aria-live": "off" });
    this.measured = el("p", { class: "pw-measured", role: "status" });
    this.measured.hidden = true;
    this.cross = el("div", { class: "pw-cross", "aria-hidden": "true" });
    this.cross.hidden = true;
    var bar = el("div", { class: "pw-tools", role: "toolbar", "aria-label": words.tools }, this.tools.full, this.tools.length, this.tools.area);
    var holder = this.map.getContainer();
    L.DomEvent.disableClickPropagation(bar);
    holder.append(bar, this.where, this.measured, this.cross);
    this.watchPointer();
    if (!document.fullscreenEnabled) this.tools.full.hidden = true;
    document.addEventListener("fullscreenchange", function () {
      city.tools.full.setAttribute("aria-pressed", String(Boolean(document.fullscreenElement)));
      city.map.invalidateSize();
    });
  };

  Parkwise.City.prototype.fullScreen = function () {
    if (document.fullscreenElement) return document.exitFullscreen();
    return document.documentElement.requestFullscreen().catch(function () { /* the browser forbids it: nothing changes */ });
  };

  Parkwise.City.prototype.watchPointer = function () {
    var city = this, map = this.map, holder = map.getContainer();
    map.on("mousemove", function (event) { city.byKeys(false); city.tellWhere(event.latlng); });
    map.on("move", function () { if (city.keys) { city.tellWhere(map.getCenter()); city.drawMeasure(); } });
    holder.addEventListener("focus", function () { if (holder.matches(":focus-visible")) { city.byKeys(true); city.tellWhere(map.getCenter()); } });
    holder.addEventListener("blur", function () { city.byKeys(false); });
    holder.addEventListener("keydown", function (event) {
      if (event.target !== holder) return;
      if (event.key.slice(0, 5) === "Arrow") city.byKeys(true);
      city.measureKey(event);
    });
    this.tellWhere(map.getCenter());
  };

  Parkwise.City.prototype.byKeys = function (yes) {
    this.keys = yes;
    this.cross.hidden = !yes;
  };

  Parkwise.City.prototype.tellWhere = function (place) {
    var plane = this.page.plane, at = Parkwise.inPlane(plane, place), decimals = plane && plane.off_m > 0.05 ? 0 : 2;
    this.at = place;
    var degrees = place.lat.toFixed(6) + "°, " + place.lng.toFixed(6) + "°";
    this.where.textContent = at ? plane.name + "  N " + at.y.toFixed(decimals) + "  E " + at.x.toFixed(decimals) + "  ·  " + degrees : degrees;
  };

  /* ---- measuring ---- */

  Parkwise.City.prototype.measure = function (kind) {
    var off = this.measuring === kind;
    this.stopMeasure();
    if (off) return;
    this.measuring = kind;
    this.tools[kind].setAttribute("aria-pressed", "true");
    this.corners = [];
    this.measureLayer = L.layerGroup().addTo(this.map);
    document.body.classList.add("pw-measuring");
    this.map.getContainer().focus({ preventScroll: true });
    this.byKeys(true);
    this.drawMeasure();
  };

  Parkwise.City.prototype.stopMeasure = function () {
    if (!this.measuring) return;
    this.tools[this.measuring].setAttribute("aria-pressed", "false");
    this.measuring = null;
    this.measureLayer.remove();
    this.measured.hidden = true;
    document.body.classList.remove("pw-measuring");
  };

  /* Enter sets a corner in the middle of the map, Backspace takes the last one back, Escape ends. */
  Parkwise.City.prototype.measureKey = function (event) {
    if (!this.measuring) return;
    if (event.key === "Enter") this.addCorner(this.map.getCenter());
    else if (event.key === "Backspace") { this.corners.pop(); this.drawMeasure(); }
    else if (event.key === "Escape") this.stopMeasure();
    else return;
    event.preventDefault();
  };

  Parkwise.City.prototype.addCorner = function (place) {
    this.corners.push(place);
    this.drawMeasure();
  };

  Parkwise.City.prototype.drawMeasure = function () {
    if (!this.measuring) return;
    var how = { pane: "pw-chosen", interactive: false, color: "#b00020", weight: 2.5, smoothFactor: 0 }, layer = this.measureLayer;
    layer.clearLayers();
    if (this.measuring === "area") L.polygon(this.corners, Object.assign({ fillOpacity: 0.12 }, how)).addTo(layer);
    else L.polyline(this.corners, how).addTo(layer);
    this.corners.forEach(function (place) { L.circleMarker(place, Object.assign({}, how, { radius: 4, fillColor: "#fff", fillOpacity: 1 })).addTo(layer); });
    this.measured.textContent = this.measuredText();
    this.measured.hidden = false;
  };

  Parkwise.City.prototype.measuredText = function () {
    var words = this.page.words, length = 0, corners = this.corners;
    if (corners.length < (this.measuring === "area" ? 3 : 2)) return words["measure_" + this.measuring];
    if (this.measuring === "area") {
      var m2 = Parkwise.ringArea(corners);
      return Parkwise.filled(words.measured_area, { m2: Parkwise.number(m2, 0), mu: Parkwise.number(m2 * 3 / 2000, 2) });
    }
    for (var k = 1; k < corners.length; k++) length += Parkwise.geodesic(corners[k - 1], corners[k]);
    return Parkwise.filled(words.measured_length, { m: Parkwise.number(length, 1) });
  };
})();
