// The table of a system's items.

const ITEMS = window.RECIPE_MPR_ITEMS || {};

function letterOf(item, recipeId) {
  const place = item.shown ? item.shown.indexOf(recipeId) : -1;
  return place < 0 ? recipeId : `${LETTERS[place]} ${recipeId}`;
}

function resultOf(accuracy) {
  if (accuracy === 1) return ["right", "right"];
  if (accuracy === 0) return ["wrong", "wrong"];
  return isNumber(accuracy) ? ["tied", ""] : ["no score", "wrong"];
}

function itemRow([id, accuracy, chosen, chances, seen], withSeen) {
  const item = ITEMS[id] || {};
  const [result, look] = resultOf(accuracy);
  const cells = [
    el("th", { scope: "row" }, id, queryOf(item)),
    el("td", {}, (item.types || []).join(", ") || "none"),
    el("td", { class: look }, result + (result === "tied" ? ` (${percent(accuracy)}%)` : "")),
    el("td", {}, chosen.map((recipeId) => letterOf(item, recipeId)).join(" or ") || "none"),
    el("td", {}, item.gold ? letterOf(item, item.gold) : ""),
    el("td", {}, chances ? el("div", { class: "chances" },
      ...chances.map((p, k) => el("span", { "--v": p }, `${LETTERS[k]} ${(100 * p).toFixed(0)}`))) : ""),
  ];
  if (withSeen) cells.push(el("td", {}, seen === 1 ? "yes" : seen === 0 ? "no" : "unknown"));
  return el("tr", {}, ...cells);
}

// Options are written out when asked for: five hundred times five texts would slow the page.
function queryOf(item) {
  if (!item.query) return null;
  const details = el("details", { class: "query" }, el("summary", {}, item.query));
  details.addEventListener("toggle", () => {
    if (details.open && !details.querySelector("ol")) details.append(optionsOf(item));
  });
  return details;
}

function optionsOf(item) {
  return el("ol", {}, ...item.shown.map((recipeId, k) => el("li", { class: recipeId === item.gold ? "right" : null },
    `${LETTERS[k]}) ${item.options[recipeId]}${recipeId === item.gold ? " (the right option)" : ""}`)));
}

function itemsTable(answers) {
  const withSeen = answers.some((answer) => answer[4] === 1);
  const heads = ["Item", "Types", "Result", "Chosen", "Right option", "Probability, %", ...(withSeen ? ["Seen in training"] : [])];
  return el("table", {}, el("caption", { class: "hidden" }, "Every item with the chosen and the right option"),
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, ...answers.map((answer) => itemRow(answer, withSeen))));
}
