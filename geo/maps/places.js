/* Places to switch on: groups of candidates and clusters outside (outlined on tiles), land between points, findings. */
(function () {
  "use strict";

  var el = Parkwise.el;
  var NEAR_PX = 9;
  var SEVERITY = ["#b42318", "#d97706", "#4b5563"];

  /* Outlines around parcels of one number: their edges are drawn broad, then everything inside is taken away again. */
  Parkwise.OutlineLayer = Parkwise.ParcelLayer.extend({
    options: { className: "parkwise-outlines", pane: "pw-outlines" },

    initialize: function (data, column, colour, options) {
      Parkwise.ParcelLayer.prototype.initialize.call(this, data, options);
      this.column = column;
      this.colour = colour;
    },

    /* The numbers are read when somebody asks for the layer, so that the first picture does not wait for them. */
    onAdd: function (map) {
      if (!this.theme) {
        var inside = this.data.column(this.column).map(function (one) { return one > 0 ? 0 : -1; });
        this.theme = { classes: [{ fill: this.colour, pattern: "" }], classOf: inside };
      }
      return L.GridLayer.prototype.onAdd.call(this, map);
    },

    isFar: function () {
      return false;
    },

    paintShapes: function (pen, coords) {
      pen.strokeStyle = pen.fillStyle = this.colour;
      pen.lineJoin = "round";
      this.eachShape(pen, coords, 6, function () { pen.lineWidth = 5; pen.stroke(); }, function (s, x, y, w, h) {
        pen.fillRect(x - 2.5, y - 2.5, w + 5, h + 5);
      });
      pen.globalCompositeOperation = "destination-out";
      this.eachShape(pen, coords, 6, function () { pen.lineWidth = 0.8; pen.fill("evenodd"); pen.stroke(); }, function (s, x, y, w, h) {
        pen.fillRect(x - 0.4, y - 0.4, w + 0.8, h + 0.8);
      });
      pen.globalCompositeOperation = "source-over";
    },
  });

  Parkwise.City.prototype.placeLayers = function () {
    var data = this.data, map = this.map, city = this, layers = {};
    this.joins = data.shapes("joins");
    this.findings = { count: data.has("findings.x") ? data.column("findings.x").length : 0 };
    this.groups = { count: data.has("group") ? 1 : 0 };
    this.clusters = { count: data.has("cluster") ? 1 : 0 };
    if (this.groups.count) layers.groups = new Parkwise.OutlineLayer(data, "group", "#5e1c02", { maxZoom: map.getMaxZoom() });
    if (this.clusters.count) layers.clusters = new Parkwise.OutlineLayer(data, "cluster", "#6a1b9a", { maxZoom: map.getMaxZoom() });
    if (this.joins.count) {
      layers.joins = this.group(this.joins, "pw-overlaps", function () {
        return { color: "#0a5f38", weight: 1.5, fillColor: "#27ae60", fillOpacity: 0.55 };
      });
    }
    if (this.findings.count) layers.findings = this.findingMarks(city);
    return layers;
  };

  Parkwise.City.prototype.findingMarks = function () {
    var data = this.data, group = L.layerGroup(), renderer = L.canvas({ pane: "pw-chosen", padding: 0.3 });
    var x = data.column("findings.x"), y = data.column("findings.y"), severity = data.column("findings.severity");
    for (var k = x.length - 1; k >= 0; k--) {
      L.circleMarker([y[k], x[k]], {
        pane: "pw-chosen", renderer: renderer, interactive: false, radius: 6, color: "#fff", weight: 1.5,
        fillColor: SEVERITY[severity[k]], fillOpacity: 0.95,
      }).addTo(group);
    }
    return group;
  };

  /* What of the layers that are switched on lies at a place; true where a card was opened. */
  Parkwise.City.prototype.clickedPlace = function (latlng) {
    var map = this.map, layers = this.layers, at = -1;
    if (layers.findings && map.hasLayer(layers.findings)) at = this.findingAt(latlng);
    if (at >= 0) return this.openFinding(at, latlng);
    if (!layers.joins || !map.hasLayer(layers.joins)) return false;
    var place = Parkwise.fromLatLng(latlng);
    at = this.indexOf("joins").at(place.x, place.y);
    return at >= 0 && this.openJoin(at, latlng);
  };

  Parkwise.City.prototype.findingAt = function (latlng) {
    var here = this.map.latLngToContainerPoint(latlng), found = -1, least = NEAR_PX;
    var x = this.data.column("findings.x"), y = this.data.column("findings.y");
    for (var k = 0; k < x.length; k++) {
      var far = here.distanceTo(this.map.latLngToContainerPoint([y[k], x[k]]));
      if (far < least) { least = far; found = k; }
    }
    return found;
  };

  Parkwise.City.prototype.openFinding = function (k, latlng) {
    var data = this.data, words = this.page.words;
    function said(name) { return data.word("findings." + name, k); }
    this.open(el("div", { class: "pw-card" },
      el("h2", {}, el("span", { class: "pw-kind" }, words.finding + " · " + said("layer")), el("bdi", {}, said("title"))),
      el("table", {}, ["id", "found", "expected", "remedy"].map(function (name) { return [words["finding_" + name], said(name)]; }).reduce(function (body, row) {
        if (row[1]) body.append(el("tr", {}, el("th", { scope: "row" }, row[0]), el("td", {}, el("bdi", {}, row[1]))));
        return body;
      }, el("tbody", {})))), latlng);
    return true;
  };

  Parkwise.City.prototype.openJoin = function (at, latlng) {
    var join = this.page.joins[at];
    this.open(Parkwise.joinCard(this.page, join), latlng);
    return true;
  };

  /* Lines on a parcel's card: its group of candidates and its cluster, with their land. */
  Parkwise.placeLines = function (page, data, s) {
    var lines = [], group = data.has("group") ? data.column("group")[s] : 0, cluster = data.has("cluster") ? data.column("cluster")[s] : 0;
    if (group > 0) {
      var sums = groupSums(data)[group];
      lines.push([page.words.group, Parkwise.filled(page.words.group_text, {
        number: group, count: Parkwise.number(sums.count, 0), area: Parkwise.number(sums.area * 3 / 200000, 2),
      })]);
    }
    if (cluster > 0) {
      var one = page.clusters[cluster - 1];
      lines.push([page.words.cluster, Parkwise.filled(one.text, one)]);
    }
    return lines;
  };

  function groupSums(data) {
    if (data.read["group.sums"]) return data.read["group.sums"];
    var sums = (data.read["group.sums"] = {}), group = data.column("group"), area = data.column("area");
    for (var s = 0; s < group.length; s++) {
      if (!group[s]) continue;
      var one = sums[group[s]] = sums[group[s]] || { count: 0, area: 0 };
      one.count++;
      if (!isNaN(area[s])) one.area += Math.round(area[s] * 100);
    }
    return sums;
  }
})();
