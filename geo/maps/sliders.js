/* Limits of candidates to move: City.prototype.limits gives the sliders, recount judges every parcel anew.
   At the limits of the run the run's own verdicts count (a bit each in judged.flags); a moved limit is held against
   the figures of the page. Areas are summed as whole hundredths of a square metre. */
(function () {
  "use strict";

  var el = Parkwise.el;
  var OUT = 8, ADDED = 16, OUTSIDE = 32;
  var RUNS = /^\s*(?:[=+@\t\r]|-(?![\d.,]+\s*$))/; /* what a spreadsheet would run */

  Parkwise.City.prototype.limits = function () {
    var told = this.page.limits, words = this.page.words, city = this;
    this.sliders = null;
    if (!told) return "";
    this.sliders = told.measures.map(function (measure) { return slider(measure, words, function () { city.limitsMoved(); }); });
    this.found = el("p", { class: "pw-found", role: "status", "aria-live": "polite" });
    this.limitsBox = el("fieldset", { class: "pw-limits" }, el("legend", {}, words.limits));
    this.limitsBox.append.apply(this.limitsBox, this.sliders.map(function (one) { return one.element; }));
    this.limitsBox.append(this.found, el("div", { class: "pw-buttons" },
      el("button", { type: "button", class: "pw-reset", onclick: function () { city.resetLimits(); } }, words.limits_reset),
      el("button", { type: "button", class: "pw-save", onclick: function () { city.saveList(); } }, words.save_list)),
      el("small", {}, words.limits_note));
    return this.limitsBox;
  };

  /* One limit: a slider and a field for the same number, in the unit people read; `value` is in the column's. */
  function slider(measure, words, moved) {
    var step = Math.pow(10, -measure.decimals), most = nice(measure.most * measure.factor);
    var name = measure.label + (measure.unit ? " (" + measure.unit + ")" : "");
    var range = el("input", { type: "range", min: 0, max: most, step: "any", "aria-label": name + " <", name: measure.column });
    var field = el("input", { type: "number", min: 0, step: step, "aria-label": name + " <" });
    var run = el("small", {}, Parkwise.filled(words.limits_run, { limit: Parkwise.number(measure.limit * measure.factor, measure.decimals) }));
    var made = {
      measure: measure,
      element: el("div", { class: "pw-limit" }, el("span", {}, name), el("span", { class: "pw-below" }, "< ", field), range, run),
      reset: function () { made.set(measure.limit * measure.factor); },
      set: function (shown) {
        var near = Math.abs(shown - measure.limit * measure.factor) < step / 2;
        made.moved = !near;
        made.value = near ? measure.limit : shown / measure.factor;
        range.value = shown;
        field.value = shown.toFixed(measure.decimals);
        range.setAttribute("aria-valuetext", field.value);
      },
    };
    function said(input) {
      var asked = Number(input.value);
      if (input.value === "" || !isFinite(asked) || asked < 0) return;
      made.set(Math.round(asked / step) * step);
      moved();
    }
    range.addEventListener("input", function () { said(range); });
    field.addEventListener("change", function () { said(field); });
    made.reset();
    return made;
  }

  function nice(most) {
    var power = Math.pow(10, Math.floor(Math.log10(most)));
    return Math.ceil(most / power * 10) / 10 * power;
  }

  /* Pieces of evidence of every parcel under the limits as they stand: −1 not judged, 0 no candidate. */
  Parkwise.City.prototype.recount = function () {
    var data = this.data, n = data.parcels.count, told = this.page.limits;
    var other = data.column("judged.other"), flags = data.column("judged.flags"), area = data.column("area");
    var pieces = new Int8Array(n), s, sum = 0, found = { parcels: 0, outside: 0, outsideParcels: 0 };
    for (s = 0; s < n; s++) pieces[s] = other[s] - 1;
    this.sliders.forEach(function (one) {
      var values = data.column(one.measure.column), bit = one.measure.bit, limit = one.value;
      for (var s = 0; s < n; s++) {
        if (pieces[s] >= 0 && (one.moved ? values[s] < limit : flags[s] & bit)) pieces[s]++;
      }
    });
    var counts = new Int32Array(told.classes.length), areas = new Float64Array(told.classes.length);
    for (s = 0; s < n; s++) {
      if (pieces[s] < 0) continue;
      if ((pieces[s] < told.needed && !(flags[s] & ADDED)) || flags[s] & OUT) pieces[s] = 0;
      var steps = isNaN(area[s]) ? 0 : Math.round(area[s] * 100);
      counts[pieces[s]]++;
      areas[pieces[s]] += steps;
      if (!pieces[s]) continue;
      found.parcels++;
      sum += steps;
      if (flags[s] & OUTSIDE) { found.outsideParcels++; found.outside += steps; }
    }
    found.pieces = pieces;
    found.area = sum;
    found.counts = counts;
    found.areas = areas;
    found.inside = told.inside === null ? null : told.inside - this.partlyInside(pieces);
    found.total = told.total === null ? null : told.total - found.outside;
    return found;
  };

  /* Land inside parks of the candidates that lie outside but reach into one. */
  Parkwise.City.prototype.partlyInside = function (pieces) {
    var rows = this.data.column("partly.row"), inside = this.data.column("partly.inside"), sum = 0;
    for (var k = 0; k < rows.length; k++) if (pieces[rows[k]] > 0) sum += inside[k];
    return sum;
  };

  Parkwise.City.prototype.showLimits = function (theme) {
    if (!this.limitsBox) return;
    this.limitsBox.hidden = theme.id !== "candidates";
    if (this.limitsBox.hidden) return;
    var found = this.recount();
    this.tellFound(found);
    if (this.sliders.some(function (one) { return one.moved; })) this.showFound(found);
  };

  Parkwise.City.prototype.limitsMoved = function () {
    var city = this;
    if (this.waitingToCount) return;
    this.waitingToCount = true;
    requestAnimationFrame(function () {
      city.waitingToCount = false;
      var found = city.recount();
      city.tellFound(found);
      city.showFound(found);
    });
  };

  Parkwise.City.prototype.resetLimits = function () {
    this.sliders.forEach(function (one) { one.reset(); });
    this.show(this.page.themes.findIndex(function (theme) { return theme.id === "candidates"; }));
  };

  function mu(steps) {
    return Parkwise.number(steps * 3 / 200000, 2);
  }

  Parkwise.City.prototype.tellFound = function (found) {
    var words = this.page.words;
    this.found.replaceChildren(el("b", {}, Parkwise.filled(words.limits_found, { count: Parkwise.number(found.parcels, 0), area: mu(found.area) })));
    if (found.total === null) return;
    this.found.append(el("br", {}), Parkwise.filled(words.limits_gone, {
      count: Parkwise.number(found.outsideParcels, 0), share: found.total > 0 ? Parkwise.number(100 * found.inside / found.total, 2) + "%" : "—",
      inside: mu(found.inside), total: mu(found.total),
    }));
  };

  /* The theme of candidates as the limits have it: strongest first, then judged, then other land. */
  Parkwise.City.prototype.showFound = function (found) {
    var base = this.page.themes.find(function (theme) { return theme.id === "candidates"; });
    var told = this.page.limits.classes, most = told.length - 1, other = base.classes.slice().pop();
    var live = Object.assign({}, base, { live: true });
    live.classes = told.map(function (one, at) {
      return { label: one.label, fill: one.fill, pattern: "", mark: "", parcels: Parkwise.number(found.counts[at], 0), mu: Parkwise.number(found.areas[at] * 3 / 200000, 0), empty: !found.counts[at] };
    }).reverse();
    var unjudged = base.classOf.findIndex(function (_, s) { return found.pieces[s] < 0; });
    if (unjudged >= 0) live.classes.push(other);
    live.classOf = found.pieces.map(function (pieces) { return pieces < 0 ? most + 1 : most - pieces; });
    var hidden = this.theme.live ? this.layers.parcels.hidden : null;
    this.theme = live;
    this.layers.parcels.show(live, hidden);
    this.drawLegend(live);
  };

  /* ---- the list ---- */

  function cell(value) {
    var said = String(value);
    if (RUNS.test(said)) said = "'" + said;
    return /[",\r\n]/.test(said) ? '"' + said.replace(/"/g, '""') + '"' : said;
  }

  /* Text of the list, strongest and largest first; opened in a spreadsheet nothing in it runs. */
  Parkwise.City.prototype.listText = function () {
    var data = this.data, words = this.page.words, found = this.recount(), area = data.column("area"), rows = [];
    var sliders = this.sliders, parks = data.has("park");
    for (var s = 0; s < found.pieces.length; s++) if (found.pieces[s] > 0) rows.push(s);
    rows.sort(function (a, b) { return found.pieces[b] - found.pieces[a] || area[b] - area[a] || a - b; });
    var head = [words.parcel, words.area_m2].concat(parks ? [words.park] : [], [words.pieces]);
    sliders.forEach(function (one) {
      var unit = one.measure.unit ? " (" + one.measure.unit + ")" : "";
      head.push(one.measure.label + unit, one.measure.label + " <" + unit);
    });
    var lines = rows.map(function (s) {
      var line = [data.column("uid")[s], area[s].toFixed(2)].concat(parks ? [data.word("park", s)] : [], [found.pieces[s]]);
      sliders.forEach(function (one) {
        var value = data.column(one.measure.column)[s] * one.measure.factor, limit = one.value * one.measure.factor;
        line.push(isNaN(value) ? "" : +value.toFixed(4), +limit.toFixed(4));
      });
      return line;
    });
    return "\ufeff" + [head].concat(lines).map(function (line) { return line.map(cell).join(","); }).join("\r\n") + "\r\n";
  };

  Parkwise.City.prototype.saveList = function () {
    var address = URL.createObjectURL(new Blob([this.listText()], { type: "text/csv;charset=utf-8" }));
    var link = el("a", { href: address, download: this.page.words.list_file + ".csv" });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(function () { URL.revokeObjectURL(address); }, 10000);
  };
})();
