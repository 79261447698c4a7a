// The table of a system's items.

const ITEMS = window.RECIPE_MPR_ITEMS || {};

// How the options stood is known of runs in the pinned order alone; a wrong letter is worse than none.
function ordersOf(row) {
  if (row.prompt_accs) {
    return { letters: false, several: true, says: "Each item was asked under five templates and has an answer to each: "
      + "results are the mean over them." };
  }
  if (/file_order/.test(row.task || "")) {
    return { letters: false, says: "This run showed the options in the dataset file's order, which is not repeated "
      + "here: options have no letters below, but A to E of the probabilities stand in that order." };
  }
  if (row.kind === "imported") {
    return { letters: false, says: "How the options stood in an imported run is not repeated here: options have no "
      + "letters, and A to E of the probabilities stand in the pinned shuffled order." };
  }
  const says = "Each item was asked in five orders: results and probabilities are the mean over them, letters those of "
    + "the first.";
  return isBlank(row.perf) ? { letters: true, says: "" } : { letters: true, several: true, says };
}

const itemOf = (id) => (Object.hasOwn(ITEMS, id) && ITEMS[id]) || {};

function optionCell(item, recipeIds, withLetters) {
  if (!recipeIds.length) return el("td", {}, "none");
  return el("td", {}, ...recipeIds.map((recipeId) => {
    const place = withLetters && item.shown ? item.shown.indexOf(recipeId) : -1;
    const letter = place < 0 ? "" : el("b", {}, LETTERS[place]);
    return el("div", { class: "option" }, letter, " ", el("code", {}, line(recipeId, 40)));
  }));
}

function resultCell(accuracy, several) {
  if (accuracy === 1) return el("td", { class: "right" }, "right");
  if (accuracy === 0) return el("td", { class: "wrong" }, "wrong");
  return el("td", {}, isNumber(accuracy) ? `${several ? "partly" : "tied"} (${percent(accuracy)}%)` : "no score");
}

function probabilityCells(item, chances, orders) {
  const gold = orders.letters && item.shown ? item.shown.indexOf(item.gold) : -1;
  return LETTERS.map((_, k) => {
    const p = chances?.[k];
    if (!isNumber(p)) return el("td", {});
    return el("td", { class: k === gold ? "number share gold" : "number share", "--v": p }, (100 * p).toFixed(0));
  });
}

function itemRow([id, accuracy, chosen, chances, seen], shows) {
  const item = itemOf(id);
  return el("tr", {},
    el("th", { scope: "row" }, line(id, 40), queryOf(item, chosen, shows.orders.letters)),
    resultCell(accuracy, shows.orders.several),
    el("td", {}, (item.types || []).join(", ") || el("span", { class: "soft" }, "none")),
    shows.chosen ? optionCell(item, chosen, shows.orders.letters) : null,
    optionCell(item, item.gold ? [item.gold] : [], shows.orders.letters),
    ...(shows.chances ? probabilityCells(item, chances, shows.orders) : []),
    shows.seen ? el("td", {}, seen === 1 ? "yes" : seen === 0 ? "no" : "unknown") : null);
}

// Options are written out when asked for: five hundred times five texts would slow the page.
function queryOf(item, chosen, withLetters) {
  if (!item.query) return null;
  const details = el("details", { class: "query" }, el("summary", {}, line(item.query, 500)));
  details.addEventListener("toggle", () => {
    if (details.open && !details.querySelector("ul")) details.append(optionsOf(item, chosen, withLetters));
  });
  return details;
}

function optionsOf(item, chosen, withLetters) {
  return el("ul", {}, ...item.shown.map((recipeId, k) => {
    const says = [recipeId === item.gold && "right", chosen.includes(recipeId) && "chosen"].filter(Boolean);
    const text = line(item.options?.[recipeId] ?? recipeId, 500);
    return el("li", {}, withLetters ? `${LETTERS[k]}) ` : "", text,
      says.length ? el("strong", {}, ` (${says.join(", ")})`) : "");
  }));
}

function itemsTable(answers, orders) {
  const [seen, chances] = [answers.some((answer) => answer[4] === 1), answers.some((answer) => answer[3])];
  const chosen = !orders.several || orders.letters;
  const heads = [["Item"], ["Result"], ["Types"], ...(chosen ? [["Chosen"]] : []), ["Right option"],
    ...(chances ? LETTERS.map((letter) => [`${letter} %`, "number"]) : []), ...(seen ? [["Seen in training"]] : [])];
  const caption = "Every item with the chosen and the right option and the probability of each letter";
  return tableOf("items", caption, heads.map(([head, look]) => el("th", { scope: "col", class: look }, head)),
    answers.map((answer) => itemRow(answer, { orders, seen, chances, chosen })));
}
