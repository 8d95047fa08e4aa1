(function () {
  var button = document.getElementById("all-code");
  var folds = document.querySelectorAll("details.code");
  if (!button || !folds.length) return;
  button.hidden = false;
  button.addEventListener("click", function () {
    var show = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(show));
    button.textContent = show ? "Hide all code" : "Show all code";
    folds.forEach(function (fold) { fold.open = show; });
  });
})();
