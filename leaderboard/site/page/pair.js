// Show two systems side by side: each system's choice on every item, first the items with unequal accuracy.

const OUTCOMES = ["a", "b", "differ", "same", "both"];

// Return the outcome of an item: more accurate system, or both right, or both wrong with the same or different choices.
function outcomeOf(a, b) {
  if (a[1] > b[1]) return "a";
  if (b[1] > a[1]) return "b";
  if (a[1] === 1) return "both";
  return String([...a[2]].sort()) === String([...b[2]].sort()) ? "same" : "differ";
}

function outcomeWords(a, b) {
  return { a: `only ${shortName(a)} right`, b: `only ${shortName(b)} right`, differ: "both wrong, different choices",
    same: "both wrong, same choice", both: "both right" };
}

const shortName = (row) => line(nameParts(row)[0], 40);

const answersFile = (row) => (new RegExp(`^${SITE.link}$`).test(row?.page || "")
  ? `../${row.page.replace(/html$/, "js")}` : null);

// Load the pair's items: id, outcome, answer of a, answer of b. Items with unequal accuracy come first.
async function loadPair(a, b) {
  const files = [answersFile(a), answersFile(b)];
  if (files.includes(null)) throw new Error("one of the two systems has no item results");
  await Promise.all(files.map(loadScript));
  const ofB = new Map(answersOf(b.id).map((answer) => [answer[0], answer]));
  const pairs = answersOf(a.id).filter(([id]) => ofB.has(id))
    .map((answer) => ({ id: answer[0], outcome: outcomeOf(answer, ofB.get(answer[0])), a: answer, b: ofB.get(answer[0]) }));
  return pairs.sort((x, y) => OUTCOMES.indexOf(x.outcome) - OUTCOMES.indexOf(y.outcome));
}

// Return a sentence, the test's result if the board has one, and a button for each outcome.
function pairSummary(board, pair, state, onChoose) {
  const { a, b, items } = pair;
  const count = (outcome) => items.filter((item) => item.outcome === outcome).length;
  const words = outcomeWords(a, b);
  const buttons = OUTCOMES.map((outcome) => {
    const button = el("button", { type: "button", "aria-pressed": String(state.outcome === outcome) },
      el("b", {}, String(count(outcome))), ` ${words[outcome]}`);
    button.addEventListener("click", () => onChoose(state.outcome === outcome ? "" : outcome));
    return button;
  });
  return [el("div", { class: "versus" }, systemCard("A", a), systemCard("B", b)), note(pairWords(board, a, b, items.length)),
    el("div", { class: "outcomes", role: "group", "aria-label": "Outcomes of the pair" }, ...buttons)];
}

function systemCard(letter, row) {
  return el("p", {}, el("b", { class: "letter" }, letter), " ", systemLink(row), " ",
    el("span", { class: "figure" }, percent(row.acc)), " ", el("span", { class: "interval" }, interval(row.acc_low, row.acc_high)));
}

function pairWords(board, a, b, n) {
  const ids = board.pairwise?.ids || [];
  const [i, j] = [ids.indexOf(a.id), ids.indexOf(b.id)];
  const about = `${n} items that both systems answered. Items that only one answered correctly come first.`;
  if (i < 0 || j < 0 || !isNumber(board.pairwise.difference[i][j])) {
    return `${about} To test the difference, run “recipe-mpr compare”.`;
  }
  const p = board.pairwise.p_holm[i][j];
  return `${about} A minus B: ${percent(board.pairwise.difference[i][j], true)} points; p ${chance(p)} (exact McNemar test, `
    + `Holm-corrected over all pairs of the board): ${p < SITE.level ? "significant" : "not significant"}.`;
}

// Return the two answers for an item's line.
function pairAnswers(board, entry) {
  const item = itemOf(entry.id);
  const shown = shownOf(item, board.order);
  return ["a", "b"].map((side) => {
    const [, accuracy, chosen] = entry[side];
    return el("span", { class: "answer" }, el("b", { class: "letter" }, side.toUpperCase()), " ", resultBadge(accuracy), " ",
      ...(chosen.length ? chosen.flatMap((recipeId, k) => [k ? "; " : "", optionLabel(item, recipeId, shown)]) : [el("span", { class: "soft" }, "no choice")]));
  });
}
