(function () {
  "use strict";
  var table = document.getElementById("table");
  function rows() { return Array.from(table.tBodies[0].rows); }  /* in the order that they are shown in */
  var runs = new Map(JSON.parse(document.getElementById("data").textContent).map(function (run) { return [run.id, run]; }));

  /* Filters. */
  var filters = document.getElementById("filters");
  var fields = Array.from(filters.querySelectorAll("[data-filter]"));
  function fits(row, field) {
    if (!field.value) return true;
    if (field.dataset.filter === "text") return row.textContent.toLowerCase().includes(field.value.toLowerCase());
    return row.getAttribute("data-" + field.dataset.filter) === field.value;
  }
  function filter() {
    var shown = rows().filter(function (row) {
      row.hidden = !fields.every(function (field) { return fits(row, field); });
      return !row.hidden;
    });
    document.getElementById("count").textContent = shown.length + " of " + rows().length;
  }
  filters.hidden = false;
  filters.addEventListener("input", filter);
  filters.addEventListener("submit", function (event) { event.preventDefault(); });
  filter();

  /* Comparison: the address remembers what was chosen, so it can be sent to someone. */
  var section = document.getElementById("comparison");
  var bar = document.getElementById("chosen");
  var differences = document.getElementById("differences");
  function boxes() { return rows().map(function (row) { return row.querySelector("input"); }); }
  function chosen() {
    return rows().filter(function (row) { return row.querySelector("input").checked; })
      .map(function (row) { return runs.get(row.dataset.id); });
  }
  function line(tag, words, kind) {
    var row = document.createElement("tr");
    words.forEach(function (word, at) {
      var cell = document.createElement(at === 0 || tag === "th" ? "th" : "td");
      if (cell.tagName === "TH") cell.scope = tag === "th" && at > 0 ? "col" : "row";
      cell.textContent = word;
      row.append(cell);
    });
    if (kind) row.className = kind;
    return row;
  }
  function groupRows(group, picked) {
    var names = new Set(picked.flatMap(function (run) { return Object.keys(run.groups[group]); }));
    return Array.from(names).flatMap(function (name) {
      var values = picked.map(function (run) { return name in run.groups[group] ? run.groups[group][name] : "–"; });
      var differs = values.some(function (word) { return word !== values[0]; });
      if (!differs && differences.checked) return [];
      return [line("td", [name].concat(values), differs ? "differs" : "")];
    });
  }
  function compare() {
    var picked = chosen();
    bar.hidden = picked.length === 0;
    bar.firstElementChild.textContent = picked.length === 1 ? "1 run chosen, choose another" : picked.length + " runs chosen";
    document.getElementById("show").hidden = picked.length < 2;
    section.hidden = picked.length < 2;
    history.replaceState(null, "", picked.length ? "#compare=" + picked.map(function (run) { return encodeURIComponent(run.id); }).join(",") : location.pathname);
    if (picked.length < 2) return;
    var head = document.createElement("thead"), content = document.createElement("tbody");
    head.append(line("th", [""].concat(picked.map(function (run) { return run.id; }))));
    Object.keys(picked[0].groups).forEach(function (group) {
      var lines = groupRows(group, picked);
      if (lines.length) content.append(line("td", [group].concat(picked.map(function () { return ""; })), "group"), ...lines);
    });
    section.querySelector("table").replaceChildren(head, content);
  }
  table.querySelectorAll(".choose").forEach(function (cell) { cell.hidden = false; });
  table.addEventListener("change", compare);
  differences.addEventListener("change", compare);
  document.getElementById("show").addEventListener("click", function () { section.focus(); section.scrollIntoView(); });
  document.getElementById("clear").addEventListener("click", function () {
    boxes().forEach(function (box) { box.checked = false; });
    compare();
  });
  var wanted = location.hash.startsWith("#compare=") ? location.hash.slice(9).split(",").map(decodeURIComponent) : [];
  rows().forEach(function (row) { if (wanted.includes(row.dataset.id)) row.querySelector("input").checked = true; });
  if (wanted.length) compare();
})();
