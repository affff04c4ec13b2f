/* Names on the map, as many as fit without touching: Parkwise.Names. */
(function () {
  "use strict";

  var el = Parkwise.el;

  /* From this zoom level on parks are named, below it only their zones. */
  Parkwise.PARKS_FROM = 13;

  Parkwise.Names = L.Layer.extend({
    initialize: function (city) {
      this.city = city;
      this.made = [];
    },

    onAdd: function (map) {
      if (!this.made.length) this.make();
      this.made.forEach(function (one) { one.marker.addTo(map); });
      map.on("zoomend moveend", this.arrange, this);
      this.arrange();
    },

    onRemove: function (map) {
      map.off("zoomend moveend", this.arrange, this);
      this.made.forEach(function (one) { one.marker.remove(); });
    },

    make: function () {
      var city = this.city, self = this;
      city.page.zones.forEach(function (zone) {
        self.put("parks", zone.parks[0].row, zone.name, "pw-name-zone", zone.colour, 0, function () { city.openZone(zone); });
      });
      city.page.districts.forEach(function (name, row) { self.put("districts", row, name, "pw-name-district", "", 0); });
      city.parkOf.forEach(function (one, row) {
        if (one.park.name === one.zone.name) return;
        self.put("parks", row, one.park.name, "pw-name-park", one.zone.colour, Parkwise.PARKS_FROM, function () { city.openPark(row); });
      });
    },

    put: function (of, row, name, kind, colour, fromZoom, open) {
      var city = this.city, place = city.labelPlace(of, row);
      if (!place || !name) return;
      var words = el("span", { style: colour ? "color:" + Parkwise.darker(colour) : "" }, el("bdi", {}, name));
      var marker = L.marker(place, { icon: L.divIcon({ className: "pw-name " + kind, html: words, iconSize: null }), interactive: Boolean(open), keyboard: false });
      if (open) marker.on("click", function (event) { if (city.measuring) city.addCorner(event.latlng); else open(); });
      this.made.push({ marker: marker, fromZoom: fromZoom });
    },

    arrange: function () {
      var taken = [], zoom = this.city.map.getZoom();
      /* All are shown before the first is measured, so that the browser lays the page out once. */
      this.made.forEach(function (one) { one.marker.getElement().style.display = ""; });
      var boxes = this.made.map(function (one) { return one.marker.getElement().firstChild.getBoundingClientRect(); });
      this.made.forEach(function (one, place) {
        var box = boxes[place];
        var free = zoom >= one.fromZoom && !taken.some(function (other) {
          return box.left < other.right + 4 && box.right > other.left - 4 && box.top < other.bottom + 2 && box.bottom > other.top - 2;
        });
        if (free) taken.push(box);
        one.marker.getElement().style.display = free ? "" : "none";
      });
    },
  });
})();
