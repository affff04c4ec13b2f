/* Cards that open on a parcel, a park, a zone or an overlap. Every text is set as text, never as markup. */
(function () {
  "use strict";

  var FIRMS_SHOWN = 30;

  /* An element: el("b", {class: "x"}, "text", other, …). */
  Parkwise.el = function (name, attributes) {
    var made = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) {
      if (key.slice(0, 2) === "on") made.addEventListener(key.slice(2), attributes[key]);
      else if (attributes[key] !== false) made.setAttribute(key, attributes[key]);
    });
    for (var i = 2; i < arguments.length; i++) {
      if (arguments[i] !== null && arguments[i] !== undefined && arguments[i] !== "") made.append(arguments[i]);
    }
    return made;
  };
  var el = Parkwise.el;

  Parkwise.number = function (value, decimals) {
    return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  };

  /* Words with {name} filled in. */
  Parkwise.filled = function (words, values) {
    return words.replace(/\{(\w+)\}/g, function (_, key) { return values[key]; });
  };

  function line(label, value, beside) {
    return el("tr", {}, el("th", { scope: "row" }, label), el("td", {}, el("bdi", {}, value), beside));
  }

  function measured(value, field) {
    return Parkwise.number(value * field.factor, field.decimals) + (field.unit ? " " + field.unit : "");
  }

  function fieldText(data, field, s, words) {
    if (field.kind === "word") return data.word(field.column, s);
    var value = data.column(field.column)[s];
    if (isNaN(value)) return words.no_data;
    if (field.kind === "area") {
      return Parkwise.number(value, 2) + " m² · " + Parkwise.number(value * field.factor, 2) + " " + words.mu;
    }
    return measured(value, field);
  }

  /* Card of a parcel; `openPark(row)` is called when its park is asked for. */
  Parkwise.parcelCard = function (page, data, s, openPark) {
    var table = el("table", {});
    page.fields.forEach(function (field) {
      var said = fieldText(data, field, s, page.words);
      if (!said) return;
      var parkRow = field.column === "park" ? data.column("park.row")[s] - 1 : -1;
      if (parkRow < 0) table.append(line(field.label, said));
      else table.append(el("tr", {}, el("th", { scope: "row" }, field.label), el("td", {},
        el("button", { type: "button", class: "pw-link", onclick: function () { openPark(parkRow); } }, el("bdi", {}, said)))));
    });
    Parkwise.placeLines(page, data, s).forEach(function (row) { table.append(line(row[0], row[1])); });
    var card = el("div", { class: "pw-card" },
      el("h2", {}, el("span", { class: "pw-kind" }, page.words.parcel), el("bdi", {}, data.column("uid")[s])), table);
    card.append.apply(card, [firms(page, data, s), evidence(page, data, s)].filter(Boolean));
    return card;
  };

  function firms(page, data, s) {
    var span = data.span("firms", s);
    if (span.from === span.to) return null;
    var list = el("ul", { class: "pw-firms" });
    var names = data.column("firms.words"), rows = data.column("firms.row");
    for (var k = span.from; k < Math.min(span.to, span.from + FIRMS_SHOWN); k++) {
      list.append(el("li", {}, el("bdi", {}, names[rows[k]])));
    }
    var rest = span.to - span.from - FIRMS_SHOWN;
    if (rest > 0) list.append(el("li", {}, Parkwise.filled(page.words.more_firms, { count: rest })));
    return el("section", {}, el("h3", {}, page.words.firms + " " + (span.to - span.from)), list);
  }

  function evidence(page, data, s) {
    var span = data.span("evidence", s);
    if (span.from === span.to) return null;
    var list = el("ul", { class: "pw-evidence" });
    var value = data.column("evidence.value"), limit = data.column("evidence.limit"), above = data.column("evidence.above");
    for (var k = span.from; k < span.to; k++) {
      var unit = data.word("evidence.unit", k);
      var said = isNaN(value[k]) ? "" : figure(value[k]) + (isNaN(limit[k]) ? "" : (above[k] ? " > " : " < ") + figure(limit[k])) + (unit ? " " + unit : "");
      list.append(el("li", {}, el("b", {}, data.word("evidence.says", k)), said ? " " + said : "",
        el("small", {}, el("bdi", {}, data.word("evidence.basis", k)))));
    }
    return el("section", {}, el("h3", {}, page.words.evidence), list);
  }

  function figure(value) {
    return value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
  }

  function figures(rows) {
    var table = el("table", {});
    rows.forEach(function (row) {
      var beside = row.target ? el("small", { class: row.met === null ? "" : row.met ? "pw-met" : "pw-unmet" }, row.target) : null;
      var told = line(row.label, row.value, row.sums ? el("small", { class: "pw-sums" }, row.sums) : null);
      if (beside) told.lastChild.append(beside);
      table.append(told);
    });
    return table;
  }

  function swatch(colour) {
    return el("span", { class: "pw-dot", style: "background:" + colour });
  }

  Parkwise.parkCard = function (page, zone, park, openZone) {
    var said = [park.role, park.level].filter(Boolean).join(" · ");
    return el("div", { class: "pw-card" },
      el("h2", {}, el("span", { class: "pw-kind" }, said), el("bdi", {}, park.name)),
      el("p", {}, swatch(zone.colour),
        el("button", { type: "button", class: "pw-link", onclick: openZone }, el("bdi", {}, zone.name))),
      figures((park.operator ? [{ label: page.words.operator, value: park.operator }] : []).concat(park.figures)));
  };

  /* Card of a zone: figures with both sums, radar, roles, points with distances, overlaps. */
  Parkwise.zoneCard = function (page, zone, openPark, openOverlap) {
    var said = [page.words.zone, zone.level].filter(Boolean).join(" · ");
    var card = el("div", { class: "pw-card pw-zone-card" },
      el("h2", {}, el("span", { class: "pw-kind" }, said), swatch(zone.colour), el("bdi", {}, zone.name)),
      zone.roles ? el("p", {}, zone.roles) : null, figures(zone.figures));
    card.append.apply(card, [radar(page, zone), zone.points ? points(page, zone, openPark) : parks(zone, openPark), overlaps(page, zone, openOverlap)].filter(Boolean));
    return card;
  };

  function parks(zone, openPark) {
    var list = el("ul", { class: "pw-parks" });
    zone.parks.forEach(function (park) {
      list.append(el("li", {}, link(park.name, function () { openPark(park.row); }), " ", el("small", {}, park.role)));
    });
    return list;
  }

  function link(name, open) {
    return el("button", { type: "button", class: "pw-link", onclick: open }, el("bdi", {}, name));
  }

  /* The drawing was made with the page and its texts are escaped; parsing runs nothing, and the page's policy forbids the rest. */
  function radar(page, zone) {
    if (!zone.radar) return null;
    var drawn = new DOMParser().parseFromString(zone.radar, "text/html").querySelector("svg");
    return el("section", {}, el("h3", {}, page.words.radar), document.importNode(drawn, true));
  }

  function points(page, zone, openPark) {
    var table = el("table", { class: "pw-points" }), some = zone.points.some(function (point) { return point.distance; });
    zone.points.forEach(function (point) {
      var far = point.distance || (some ? page.words.main_point : "");
      var beside = el("small", {}, [point.role, point.area].filter(Boolean).join(" · "));
      table.append(el("tr", {}, el("th", { scope: "row" }, link(point.name, function () { openPark(point.park); }), beside),
        el("td", {}, el("bdi", {}, far), point.marks.length ? el("small", { class: "pw-unmet" }, point.marks.join(" · ")) : null)));
    });
    return el("section", {}, el("h3", {}, page.words.points), table,
      el("small", {}, some || zone.points.length < 2 ? page.words.points_note : page.words.no_main));
  }

  function overlaps(page, zone, openOverlap) {
    var rows = zone.parks.map(function (park) { return park.row; }), list = el("ul", {});
    page.overlaps.forEach(function (one, at) {
      if (!one.parks.some(function (row) { return rows.indexOf(row) >= 0; })) return;
      list.append(el("li", {}, link(one.names, function () { openOverlap(at); }), " ", el("small", {}, one.area)));
    });
    return list.children.length ? el("section", {}, el("h3", {}, page.words.overlaps_here), list) : null;
  }

  /* Card of land between two points that nearly touch. */
  Parkwise.joinCard = function (page, join) {
    return el("div", { class: "pw-card" },
      el("h2", {}, el("span", { class: "pw-kind" }, page.words.join), el("bdi", {}, join.names)), figures(join.figures),
      el("small", {}, page.words.join_note));
  };

  Parkwise.overlapCard = function (page, overlap) {
    return el("div", { class: "pw-card" },
      el("h2", {}, el("span", { class: "pw-kind" }, page.words.overlap), el("bdi", {}, overlap.names)),
      el("p", {}, overlap.area));
  };
})();
