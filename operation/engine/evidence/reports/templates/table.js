(function () {
  "use strict";
  /* Sorting: every heading becomes a button; empty values stay last. */
  var table = document.getElementById("table");
  var body = table.tBodies[0];
  function value(row, column) {
    var cell = row.cells[column];
    return cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent.trim();
  }
  function compare(x, y, kind) {
    var numbers = kind === "number" || (kind === "any" && !isNaN(x) && !isNaN(y));
    return numbers ? x - y : x.localeCompare(y);
  }
  function sort(heading) {
    var ascending = heading.getAttribute("aria-sort") !== "ascending";
    var sign = ascending ? 1 : -1;
    table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
    heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    body.append(...Array.from(body.rows).sort(function (a, b) {
      var x = value(a, heading.cellIndex), y = value(b, heading.cellIndex);
      if (x === "" || y === "") return (x === "") - (y === "");
      return sign * compare(x, y, heading.dataset.sort);
    }));
  }
  table.querySelectorAll("th[data-sort]").forEach(function (heading) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.addEventListener("click", function () { sort(heading); });
    heading.replaceChildren(button);
  });
})();
