/* The page around the map: panel, legend, layers, cards; Parkwise.start puts it all to work. */
(function () {
  "use strict";

  var el = Parkwise.el;
  var FITTED = { padding: [24, 24] };

  Parkwise.start = async function (map, document) {
    var page = JSON.parse(document.getElementById("parkwise-page").textContent);
    document.documentElement.lang = page.language === "zh" ? "zh-CN" : page.language;
    map.getContainer().setAttribute("role", "application");
    map.getContainer().setAttribute("aria-label", page.words.map);
    var panel = drawPanel(page, map);
    document.body.append(panel.element);
    if (typeof DecompressionStream === "undefined") return panel.tell(page.words.too_old);
    panel.tell(page.words.loading);
    var store = document.getElementById("parkwise-data");
    var data = await Parkwise.unpack(store.textContent);
    performance.mark("parkwise-unpacked");
    store.remove();
    panel.tell("");
    var city = new City(map, page, data, panel);
    performance.mark("parkwise-drawn");
    Parkwise.city = city;
    document.body.setAttribute("data-parkwise", "ready");
    return city;
  };

  /* ---- the panel ---- */

  function drawPanel(page, map) {
    var notice = el("p", { class: "pw-notice", role: "status" });
    var body = el("div", { class: "pw-body" }, title(page), headline(page), notice);
    var fold = el("button", { type: "button", class: "pw-fold", "aria-expanded": "true", "aria-label": page.words.panel, title: page.words.panel });
    var element = el("aside", { class: "pw-panel", "aria-label": page.title.page }, body, fold);
    fold.addEventListener("click", function () {
      var folded = document.body.classList.toggle("pw-folded");
      fold.setAttribute("aria-expanded", String(!folded));
      map.invalidateSize();
    });
    return {
      element: element,
      body: body,
      tell: function (words) { notice.textContent = words; notice.hidden = !words; },
    };
  }

  function title(page) {
    var said = page.title;
    return el("header", {},
      el("h1", {}, el("bdi", {}, said.city)),
      el("p", { class: "pw-sub" }, el("bdi", {}, said.project), said.project && said.as_of ? " · " : "", el("span", { class: "pw-day" }, said.as_of)),
      said.synthetic ? el("p", { class: "pw-synthetic" }, said.synthetic) : null,
      said.public ? el("p", { class: "pw-public" }, said.public) : null);
  }

  function headline(page) {
    var list = el("dl", { class: "pw-headline" });
    page.headline.forEach(function (row, place) {
      var value = el("dd", {}, el("b", {}, row.value), row.beside ? el("span", {}, row.beside) : null);
      if (row.share !== undefined) value.append(gauge(row));
      if (row.target) value.append(el("small", {}, row.target));
      if (row.gap) value.append(el("small", { class: "pw-unmet" }, row.gap));
      list.append(el("div", { class: place === 0 && row.share !== undefined ? "pw-main" : "" }, el("dt", {}, row.label), value));
    });
    return list;
  }

  function gauge(row) {
    function width(share) { return Math.min(100, Math.max(0, share * 100)).toFixed(2) + "%"; }
    return el("span", { class: "pw-gauge " + (row.met ? "pw-reached" : ""), "aria-hidden": "true" },
      el("i", { style: "width:" + width(row.share) }), el("u", { style: "left:" + width(row.mark) }));
  }

  /* ---- the city: what is on the map and what people do with it ---- */

  function City(map, page, data, panel) {
    this.map = map;
    this.page = page;
    this.data = data;
    this.panel = panel;
    this.parks = data.shapes("parks");
    this.districts = data.shapes("districts");
    this.overlaps = data.shapes("overlaps");
    this.parkOf = [];
    page.zones.forEach(function (zone) {
      zone.parks.forEach(function (park) { this.parkOf[park.row] = { zone: zone, park: park }; }, this);
    }, this);
    this.layers = this.drawLayers();
    this.seeGround();
    this.drawControls();
    this.fit();
    this.restore();
    this.listen();
    this.drawTools();
  }

  /* The whole city: its districts, else its parks and all but the outermost parcels; a stray one should not shrink it. */
  City.prototype.fit = function () {
    var named = this.districts.count ? [this.districts] : [this.parks];
    var whole = L.latLngBounds([]), parcels = this.data.parcels.box;
    named.forEach(function (shapes) {
      for (var s = 0; s < shapes.count; s++) { var box = Parkwise.bounds(shapes, s); if (box) whole.extend(box); }
    });
    if (!this.districts.count && this.data.parcels.count) {
      var some = spread(parcels, 20000);
      var sides = [0, 1, 2, 3].map(function (side) {
        var sorted = Int32Array.from(some, function (s) { return parcels[4 * s + side]; }).sort();
        return sorted[Math.round((side < 2 ? 0.002 : 0.998) * (sorted.length - 1))];
      });
      whole.extend(Parkwise.latLng(sides[0], sides[1])).extend(Parkwise.latLng(sides[2], sides[3]));
    }
    this.whole = whole;
    if (whole.isValid()) this.map.fitBounds(whole, FITTED);
  };

  /* About so many of the shapes that are there, spread over all of them: enough to tell where most lie. */
  function spread(box, most) {
    var step = Math.max(1, Math.ceil(box.length / 4 / most)), found = [];
    for (var s = 0; s < box.length / 4; s += step) if (box[4 * s] <= box[4 * s + 2]) found.push(s);
    return found;
  }

  City.prototype.drawLayers = function () {
    var map = this.map;
    [["pw-districts", 380], ["pw-outlines", 390], ["pw-parks", 410], ["pw-links", 415], ["pw-overlaps", 420], ["pw-chosen", 430]].forEach(function (pane) {
      map.createPane(pane[0]).style.zIndex = pane[1];
      map.getPane(pane[0]).style.pointerEvents = "none";
    });
    this.patterns = hatch(this.page);
    document.body.append(this.patterns);
    var layers = {
      parcels: new Parkwise.ParcelLayer(this.data, { maxZoom: map.getMaxZoom() }),
      districts: this.group(this.districts, "pw-districts", function () {
        return { color: "#7b868e", weight: 1.3, fill: false };
      }),
      parks: this.group(this.parks, "pw-parks", this.parkStyle.bind(this)),
      overlaps: this.group(this.overlaps, "pw-overlaps", function () {
        return { color: "#111", weight: 1.2, dashArray: "3 3", fillColor: "url(#pw-overlap)", fillOpacity: 0.6 };
      }),
      links: this.drawLinks(),
      labels: new Parkwise.Names(this),
    };
    Object.keys(layers).forEach(function (key) { if (key !== "links") layers[key].addTo(map); });
    return Object.assign(layers, this.placeLayers(), this.baseLayer());
  };

  /* From each parcel that is to move, a line to the park that receives it; shown with the theme of the plan. */
  City.prototype.drawLinks = function () {
    var data = this.data, group = L.layerGroup(), renderer = L.canvas({ pane: "pw-links", padding: 0.3 });
    this.links = { count: data.has("links.parcel") ? data.column("links.parcel").length : 0 };
    for (var k = 0; k < this.links.count; k++) {
      var box = Parkwise.bounds(data.parcels, data.column("links.parcel")[k]), to = this.labelPlace("parks", data.column("links.park")[k]);
      if (!box || !to) continue;
      L.polyline([L.latLngBounds(box).getCenter(), to], {
        pane: "pw-links", renderer: renderer, interactive: false, color: "#003a5c", weight: 1, opacity: 0.5, smoothFactor: 0,
      }).addTo(group);
    }
    return group;
  };

  City.prototype.showLinks = function (shown) {
    if (!this.linksInput) return;
    this.linksInput.checked = shown;
    if (shown) this.layers.links.addTo(this.map);
    else this.layers.links.remove();
  };

  City.prototype.group = function (shapes, pane, styled) {
    var group = L.layerGroup(), renderer = L.svg({ pane: pane, padding: 0.3 });
    for (var s = 0; s < shapes.count; s++) {
      if (!Parkwise.bounds(shapes, s)) continue;
      var how = Object.assign({ pane: pane, renderer: renderer, interactive: false, smoothFactor: 0.7 }, styled(s));
      if (how.casing) new Parkwise.Outline(shapes, s, Object.assign({}, how, { color: "#fff", weight: how.weight + 2.5, dashArray: null, fill: false, opacity: 0.8 })).addTo(group);
      new Parkwise.Outline(shapes, s, how).addTo(group);
    }
    return group;
  };

  City.prototype.parkStyle = function (s) {
    var place = this.parkOf[s];
    var role = this.page.roles.find(function (one) { return one.kind === place.park.kind; });
    var main = role.kind === "main";
    return {
      color: place.zone.colour, weight: main ? 2.6 : 2, dashArray: role.dash || null, casing: true,
      fillColor: place.zone.colour, fillOpacity: 0.06,
    };
  };

  /* Overlaps are hatched; the pattern is a picture in the page that Leaflet's paths refer to. */
  function hatch() {
    var space = "http://www.w3.org/2000/svg";
    function svg(name, attributes) {
      var made = document.createElementNS(space, name);
      Object.keys(attributes).forEach(function (key) { made.setAttribute(key, attributes[key]); });
      return made;
    }
    var picture = svg("svg", { width: 0, height: 0, "aria-hidden": "true", style: "position:absolute" });
    var pattern = svg("pattern", { id: "pw-overlap", width: 9, height: 9, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    pattern.append(svg("rect", { width: 2.4, height: 9, fill: "#fff", opacity: 0.8 }), svg("rect", { width: 1.1, height: 9, fill: "#111" }));
    picture.append(pattern);
    return picture;
  }

  /* ---- controls ---- */

  City.prototype.drawControls = function () {
    var words = this.page.words, map = this.map, city = this;
    L.control.zoom({ position: "topright", zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
    L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);
    var buttons = el("div", { class: "pw-buttons" },
      el("button", { type: "button", onclick: function () { map.fitBounds(city.whole, FITTED); } }, words.whole),
      el("button", { type: "button", onclick: function () { window.print(); } }, words.print));
    this.legend = el("div", { class: "pw-legend" });
    this.panel.body.append(
      this.search(), this.themeChoice(), this.legend, this.limits(), this.layerChoice(), this.zoneList(), this.notes(),
      buttons, el("p", { class: "pw-made" }, this.page.basemap ? words.made_with_basemap : words.made_by));
  };

  City.prototype.notes = function () {
    var list = el("ul", { class: "pw-notes" });
    this.page.notes.forEach(function (note) { list.append(el("li", {}, note)); });
    return this.page.notes.length ? list : "";
  };

  City.prototype.themeChoice = function () {
    var field = el("fieldset", { class: "pw-themes" }, el("legend", {}, this.page.words.theme)), city = this;
    this.page.themes.forEach(function (theme, place) {
      var input = el("input", { type: "radio", name: "pw-theme", value: theme.id, onchange: function () { city.show(place); } });
      theme.input = input;
      field.append(el("label", {}, input, el("span", {}, theme.title)));
    });
    return field;
  };

  City.prototype.show = function (place) {
    var theme = this.page.themes[place], data = this.data;
    if (!theme.classOf) theme.classOf = data.column("theme." + theme.id).map(function (at) { return at - 1; });
    this.theme = theme;
    theme.input.checked = true;
    this.layers.parcels.show(theme);
    this.showLinks(theme.id === "plan");
    this.drawLegend(theme);
    this.showLimits(theme);
    this.remember();
  };

  City.prototype.drawLegend = function (theme) {
    var words = this.page.words, layer = this.layers.parcels;
    var rows = theme.classes.map(function (one, place) {
      if (one.empty) return "";
      var shown = el("button", { type: "button", class: "pw-swatch", "aria-pressed": String(!layer.hidden.has(place)), "aria-label": one.label + ": " + words.hide_class, title: words.hide_class });
      shown.append(sample(one));
      shown.addEventListener("click", function () {
        var visible = shown.getAttribute("aria-pressed") !== "true";
        shown.setAttribute("aria-pressed", String(visible));
        layer.toggle(place, visible);
      });
      return el("tr", { class: one.inset ? "pw-inset" : "" }, el("td", {}, shown),
        el("th", { scope: "row" }, el("bdi", {}, one.label), one.mark ? el("small", {}, one.mark) : null),
        el("td", {}, one.parcels), el("td", {}, one.mu));
    });
    var head = el("tr", {}, el("td", {}), el("th", { scope: "col" }, words.class), el("th", { scope: "col" }, words.count), el("th", { scope: "col" }, words.mu));
    var table = el("table", {}, el("caption", {}, theme.title), el("thead", {}, head));
    var body = el("tbody", {});
    body.append.apply(body, rows);
    table.append(body);
    this.legend.replaceChildren(table);
    if (theme.note) this.legend.append(el("p", {}, theme.note));
  };

  function sample(one) {
    var ratio = Parkwise.ratio();
    var picture = el("canvas", { width: 22 * ratio, height: 14 * ratio, "aria-hidden": "true" });
    var pen = picture.getContext("2d");
    pen.scale(ratio, ratio);
    pen.fillStyle = Parkwise.fill(pen, one.fill, one.pattern);
    pen.fillRect(0, 0, 22, 14);
    return picture;
  }

  City.prototype.layerChoice = function () {
    var field = el("fieldset", { class: "pw-layers" }, el("legend", {}, this.page.words.layers)), city = this;
    Object.keys(this.layers).forEach(function (key) {
      if (city[key] && !city[key].count) return;
      var layer = city.layers[key];
      var input = el("input", { type: "checkbox", onchange: function () { if (input.checked) layer.addTo(city.map); else layer.remove(); } });
      input.checked = city.map.hasLayer(layer);
      if (key === "links") city.linksInput = input;
      field.append(el("label", {}, input, el("span", {}, city.page.words[key + "_layer"])));
    });
    return field;
  };

  City.prototype.zoneList = function () {
    if (!this.page.zones.length) return "";
    var city = this, roles = {};
    this.page.roles.forEach(function (role) { roles[role.kind] = role; });
    var list = el("details", { class: "pw-zones" }, el("summary", {}, this.page.words.zones + " " + this.page.zones.length + " / " + this.parkOf.length));
    this.page.zones.forEach(function (zone) {
      var parks = el("ul", {});
      zone.parks.forEach(function (park) {
        parks.append(el("li", {}, line(zone.colour, roles[park.kind].dash, park.kind === "main"),
          el("button", { type: "button", class: "pw-link", onclick: function () { city.openPark(park.row); } }, el("bdi", {}, park.name)),
          el("small", {}, park.role)));
      });
      list.append(el("section", {}, el("h3", {}, el("span", { class: "pw-dot", style: "background:" + zone.colour }),
        el("button", { type: "button", class: "pw-link", onclick: function () { city.openZone(zone); } }, el("bdi", {}, zone.name)),
        el("small", {}, zone.level)), parks));
    });
    return list;
  };

  /* How a park of this role is outlined. */
  function line(colour, dash, main) {
    var ratio = Parkwise.ratio();
    var picture = el("canvas", { width: 26 * ratio, height: 8 * ratio, "aria-hidden": "true" });
    var pen = picture.getContext("2d");
    pen.scale(ratio, ratio);
    pen.strokeStyle = colour;
    pen.lineWidth = main ? 3 : 2;
    if (dash) pen.setLineDash(dash.split(" ").map(Number));
    pen.beginPath();
    pen.moveTo(0, 4);
    pen.lineTo(26, 4);
    pen.stroke();
    return picture;
  }

  /* ---- opening things ---- */

  City.prototype.open = function (card, place, box) {
    if (box) this.map.fitBounds(box, { maxZoom: 17, padding: [60, 60], animate: false });
    var size = this.map.getSize(), widest = Math.min(360, size.x - 50);
    L.popup({ maxWidth: widest, minWidth: Math.min(250, widest), maxHeight: Math.max(200, size.y - 120), autoPanPadding: [16, 16] })
      .setLatLng(place).setContent(card).openOn(this.map);
    var close = document.querySelector(".leaflet-popup-close-button");
    if (close) close.setAttribute("aria-label", this.page.words.close);
  };

  City.prototype.choose = function (shapes, s) {
    if (this.chosen) this.chosen.remove();
    this.chosen = new Parkwise.Outline(shapes, s, {
      pane: "pw-chosen", interactive: false, color: "#111", weight: 3, fill: false, smoothFactor: 0,
    }).addTo(this.map);
  };

  City.prototype.openParcel = function (s, zoom, place) {
    var box = Parkwise.bounds(this.data.parcels, s), city = this;
    this.choose(this.data.parcels, s);
    var card = Parkwise.parcelCard(this.page, this.data, s, function (row) { city.openPark(row); });
    this.open(card, place || L.latLngBounds(box).getCenter(), zoom && box);
  };

  City.prototype.openPark = function (row, place) {
    var found = this.parkOf[row], city = this;
    this.choose(this.parks, row);
    var card = Parkwise.parkCard(this.page, found.zone, found.park, function () { city.openZone(found.zone); });
    this.open(card, place || this.labelPlace("parks", row), place ? null : Parkwise.bounds(this.parks, row));
  };

  City.prototype.labelPlace = function (name, row) {
    var x = this.data.column(name + ".label_x")[row], y = this.data.column(name + ".label_y")[row];
    return isNaN(x) ? null : L.latLng(Parkwise.latLng(x / Parkwise.GRID_M, y / Parkwise.GRID_M));
  };

  /* ---- listening ---- */

  City.prototype.listen = function () {
    var map = this.map, city = this, waiting = null;
    map.on("click", function (event) { city.clicked(event.latlng); });
    map.on("mousemove", function (event) {
      if (!waiting) requestAnimationFrame(function () { city.hover(waiting); waiting = null; });
      waiting = event.latlng;
    });
    map.on("mouseout", function () { city.tip.remove(); });
    map.on("popupclose", function () { if (city.chosen) city.chosen.remove(); });
    map.on("moveend", function () { city.remember(); });
    this.tip = L.tooltip({ direction: "right", offset: [12, 0], className: "pw-tip" });
    this.print();
  };

  City.prototype.clicked = function (latlng) {
    if (this.measuring) return this.addCorner(latlng);
    var place = Parkwise.fromLatLng(latlng);
    if (this.clickedPlace(latlng)) return;
    if (this.map.hasLayer(this.layers.overlaps) && this.overlaps.count) {
      var over = this.indexOf("overlaps").at(place.x, place.y);
      if (over >= 0 && !this.parcelAt(place)) return this.openOverlap(over, latlng);
    }
    var s = this.parcelAt(place) - 1;
    if (s >= 0) return this.openParcel(s, false, latlng);
    var row = this.parks.count && this.map.hasLayer(this.layers.parks) ? this.indexOf("parks").at(place.x, place.y) : -1;
    if (row < 0) return;
    /* From afar people see zones, from near their parks, as the names on the map do. */
    if (this.map.getZoom() < Parkwise.PARKS_FROM) this.openZone(this.parkOf[row].zone, latlng);
    else this.openPark(row, latlng);
  };

  /* The parcel at a place, counted from 1; 0 for none, also where its class is hidden. */
  City.prototype.parcelAt = function (place) {
    var layer = this.layers.parcels;
    if (!this.map.hasLayer(layer)) return 0;
    var s = this.data.index.at(place.x, place.y);
    return s >= 0 && !layer.hidden.has(this.theme.classOf[s]) ? s + 1 : 0;
  };

  City.prototype.indexOf = function (name) {
    this.indexes = this.indexes || {};
    if (!this.indexes[name]) this.indexes[name] = new Parkwise.Index(this[name]);
    return this.indexes[name];
  };

  City.prototype.hover = function (latlng) {
    var s = this.measuring ? -1 : this.parcelAt(Parkwise.fromLatLng(latlng)) - 1;
    if (s < 0) { this.tip.remove(); return; }
    var span = this.data.span("firms", s);
    var firm = span.from < span.to ? this.data.column("firms.words")[this.data.column("firms.row")[span.from]] : "";
    var said = el("div", {}, el("b", {}, el("bdi", {}, firm || this.data.column("uid")[s])), el("br", {}), this.theme.classes[this.theme.classOf[s]].label);
    this.tip.setLatLng(latlng).setContent(said);
    if (!this.map.hasLayer(this.tip)) this.tip.addTo(this.map);
  };

  /* The view stands in the address, so that it can be shared: #theme/zoom/lat/lng. */
  City.prototype.remember = function () {
    if (!this.theme) return;
    var at = this.map.getCenter();
    try {
      history.replaceState(null, "", "#" + [this.theme.id, this.map.getZoom(), at.lat.toFixed(5), at.lng.toFixed(5)].join("/"));
    } catch (error) {
      return; /* a page inside another one has no address of its own */
    }
  };

  City.prototype.restore = function () {
    var said = location.hash.slice(1).split("/");
    var place = this.page.themes.findIndex(function (theme) { return theme.id === said[0]; });
    var view = said.slice(1, 4).map(Number);
    if (view.length === 3 && view.every(isFinite)) this.map.setView([view[1], view[2]], view[0], { animate: false });
    this.show(Math.max(0, place));
  };

  /* On paper the map takes the size of a sheet and shows the same ground. */
  City.prototype.print = function () {
    var map = this.map, ground = null;
    function resize(printing) {
      if (printing) ground = map.getBounds();
      document.body.classList.toggle("pw-printing", printing);
      map.invalidateSize({ animate: false });
      map.fitBounds(ground, { animate: false });
    }
    window.addEventListener("beforeprint", function () { resize(true); });
    window.addEventListener("afterprint", function () { resize(false); });
  };

  Parkwise.City = City;
})();
