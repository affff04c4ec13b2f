/* Search by parcel, firm, park or zone, with mouse or keys: City.prototype.search gives the field. */
(function () {
  "use strict";

  var el = Parkwise.el;
  var FOUND_SHOWN = 12;

  Parkwise.City.prototype.search = function () {
    var words = this.page.words, city = this, timer = null;
    var asked = this.data.has("firms.words") ? words.search : words.search_places;
    var list = el("ul", { id: "pw-found", role: "listbox", "aria-label": words.results });
    var input = el("input", {
      type: "search", placeholder: asked, "aria-label": asked, autocomplete: "off", spellcheck: "false",
      role: "combobox", "aria-expanded": "false", "aria-controls": "pw-found", "aria-autocomplete": "list",
    });
    list.hidden = true;
    function show() {
      var found = city.find(input.value);
      list.replaceChildren.apply(list, found.map(function (one, place) { return foundItem(one, place, words); }));
      list.hidden = !input.value.trim();
      input.setAttribute("aria-expanded", String(!list.hidden));
      mark(list, input, 0);
    }
    input.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(show, 120); });
    input.addEventListener("keydown", function (event) { keys(event, list, input, show); });
    input.addEventListener("blur", function () { list.hidden = true; input.setAttribute("aria-expanded", "false"); });
    input.addEventListener("focus", function () { if (input.value.trim()) show(); });
    return el("search", { class: "pw-search" }, input, list);
  };

  function foundItem(one, place, words) {
    var item = el("li", { id: "pw-found-" + place, role: "option", "aria-selected": "false" },
      el("small", {}, one.kind), el("bdi", {}, one.name));
    if (one.open) item.addEventListener("mousedown", function (event) { event.preventDefault(); item.parentNode.hidden = true; one.open(); });
    else item.setAttribute("aria-disabled", "true");
    item.choose = one.open;
    return item;
  }

  function mark(list, input, place) {
    Array.from(list.children).forEach(function (item, at) { item.setAttribute("aria-selected", String(at === place)); });
    if (list.children[place]) {
      input.setAttribute("aria-activedescendant", list.children[place].id);
      list.children[place].scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  function keys(event, list, input, show) {
    var place = Array.from(list.children).findIndex(function (item) { return item.getAttribute("aria-selected") === "true"; });
    if (event.key === "ArrowDown") mark(list, input, Math.min(place + 1, list.children.length - 1));
    else if (event.key === "ArrowUp") mark(list, input, Math.max(place - 1, 0));
    else if (event.key === "Escape") list.hidden = true;
    else if (event.key === "Enter") {
      if (list.hidden || place < 0) show();
      var item = list.children[Math.max(place, 0)];
      if (item && item.choose) { list.hidden = true; item.choose(); }
    } else return;
    event.preventDefault();
  }

  /* Zones and parks first, then firms, then parcels; what begins with the words before what holds them. */
  Parkwise.City.prototype.find = function (asked) {
    var wanted = asked.trim().toLowerCase();
    if (!wanted) return [];
    var begins = [], holds = [];
    this.searchable().forEach(function (one) {
      var at = one.plain.indexOf(wanted);
      if (at === 0) begins.push(one);
      else if (at > 0) holds.push(one);
    });
    var found = begins.concat(holds), words = this.page.words, city = this;
    if (!found.length) return [{ kind: "", name: words.nothing_found }];
    var shown = found.slice(0, FOUND_SHOWN).map(function (one) {
      return { kind: one.kind, name: one.name, open: function () { city[one.verb](one.what, one.verb === "openParcel"); } };
    });
    if (found.length > FOUND_SHOWN) shown.push({ kind: "", name: Parkwise.filled(words.more_found, { count: found.length - FOUND_SHOWN }) });
    return shown;
  };

  Parkwise.City.prototype.searchable = function () {
    if (this.names) return this.names;
    var names = (this.names = []), words = this.page.words, data = this.data;
    function add(kind, name, verb, what) { names.push({ kind: kind, name: name, plain: name.toLowerCase(), verb: verb, what: what }); }
    this.page.zones.forEach(function (zone) { add(words.zone, zone.name, "openZone", zone); });
    this.parkOf.forEach(function (one) { add(words.park, one.park.name, "openPark", one.park.row); });
    if (data.has("firms.words")) {
      var firms = data.column("firms.words"), rows = data.column("firms.row"), home = new Int32Array(firms.length).fill(-1);
      for (var s = data.parcels.count - 1; s >= 0; s--) {
        for (var span = data.span("firms", s), k = span.from; k < span.to; k++) home[rows[k]] = s;
      }
      firms.forEach(function (name, at) { add(words.firm, name, "openParcel", home[at]); });
    }
    data.column("uid").forEach(function (uid, s) { add(words.parcel, uid, "openParcel", s); });
    return names;
  };
})();
