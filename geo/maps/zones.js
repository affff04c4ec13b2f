/* The card of a zone stands beside the map, so that its points, links and overlaps stay in sight: City.prototype.openZone. */
(function () {
  "use strict";

  var el = Parkwise.el;
  var NARROW = 760;

  Parkwise.City.prototype.openZone = function (zone, place) {
    var rows = zone.parks.map(function (park) { return park.row; }), city = this;
    var from = this.dock ? this.dock.from : document.activeElement;
    this.map.closePopup();
    this.closeZone();
    var card = Parkwise.zoneCard(this.page, zone, function (row) { city.openPark(row); }, function (at) { city.openOverlap(at); });
    var close = el("button", { type: "button", class: "pw-close", "aria-label": this.page.words.close, onclick: function () { city.closeZone(); } }, "×");
    this.dock = el("aside", { class: "pw-dock", tabindex: "-1", "aria-label": zone.name }, close, card);
    this.dock.from = from;
    this.dock.addEventListener("keydown", function (event) { if (event.key === "Escape") city.closeZone(); });
    document.body.append(this.dock);
    this.dock.focus({ preventScroll: true });
    this.drawSpokes(zone);
    if (!place) this.fitZone(rows);
  };

  /* The whole zone beside its card; on a narrow screen the card lies below the map. */
  Parkwise.City.prototype.fitZone = function (rows) {
    var box = L.latLngBounds([]), city = this;
    rows.forEach(function (row) { var b = Parkwise.bounds(city.parks, row); if (b) box.extend(b); });
    var beside = window.innerWidth > NARROW ? this.dock.offsetWidth + 30 : 30;
    if (box.isValid()) this.map.fitBounds(box, { maxZoom: 17, paddingTopLeft: [30, 30], paddingBottomRight: [beside, 30], animate: false });
  };

  Parkwise.City.prototype.closeZone = function () {
    if (!this.dock) return;
    var from = this.dock.from;
    this.dock.remove();
    this.dock = null;
    this.spokes.remove();
    if (this.overlapsLent) this.layers.overlaps.remove();
    if (from && from.isConnected) from.focus({ preventScroll: true });
  };

  Parkwise.City.prototype.openOverlap = function (at, place) {
    var box = Parkwise.bounds(this.overlaps, at);
    if (!box) return;
    this.open(Parkwise.overlapCard(this.page, this.page.overlaps[at]), place || L.latLngBounds(box).getCenter(), place ? null : box);
  };

  /* While the card is open: a line from each point to the main park, and overlaps hatched. */
  Parkwise.City.prototype.drawSpokes = function (zone) {
    var city = this, group = L.layerGroup();
    (zone.points || []).forEach(function (point) {
      var from = city.labelPlace("points", point.row), to = point.to === null ? null : city.labelPlace("points", point.to);
      if (from && to) L.polyline([from, to], { pane: "pw-chosen", interactive: false, color: "#111", weight: 1.8, dashArray: "5 4", smoothFactor: 0, className: "pw-spoke" }).addTo(group);
      if (from) L.circleMarker(from, { pane: "pw-chosen", interactive: false, radius: 4.5, color: "#fff", weight: 1.5, fillColor: Parkwise.darker(zone.colour), fillOpacity: 1 }).addTo(group);
    });
    this.spokes = group.addTo(this.map);
    this.overlapsLent = !this.map.hasLayer(this.layers.overlaps);
    if (this.overlapsLent) this.layers.overlaps.addTo(this.map);
  };
})();
