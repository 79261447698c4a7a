// Show an open item: query, options with the systems' votes, and every system's answer.

const MOST_SYSTEMS = 50;
const BASE_32 = "0123456789abcdefghijklmnopqrstuv";
const FIRST_CODE = 256; // character code of 0 percent in the text of the probabilities
const WAITING = "The answers are being loaded.";

window.RECIPE_MPR_BOARD = window.RECIPE_MPR_BOARD || {};

// Show the options at once, and the answers when their file is loaded.
// `wanted` has the chosen kind, and the ids of the systems that come first.
function openItem(entry, board, item, wanted) {
  const place = el("div", { class: "opened" });
  const { id, votes } = item;
  const known = itemOf(id);
  const shown = shownOf(known, board.order);
  const says = (k) => [shareBar(votes[k] / Math.max(board.counted.length, 1),
    `chosen by ${Number(votes[k].toFixed(1))} of ${board.counted.length}`)];
  const answers = el("div", { "aria-live": "polite" }, note(WAITING));
  place.append(optionList(known, shown, true, says), answers);
  entry.append(place);
  const number = String(Math.floor(item.place / board.in_file)).padStart(2, "0");
  loadScript(`${board.name}-${number}.js`).then(
    () => answers.replaceChildren(...answerTable(board, known, shown, window.RECIPE_MPR_BOARD[id], wanted)),
    (error) => answers.replaceChildren(note(`The answers of this item cannot be shown: ${error.message}.`)));
}

function answerTable(board, item, shown, answer, wanted, isWhole = false) {
  if (!answer) return [note("No system has an answer to this item.")];
  const [choices, codes] = answer;
  const all = board.answered.map((id, k) => ({ row: board.byId.get(id), choice: choices[k], percents: percentsOf(codes, k) }))
    .filter(({ row, choice }) => row && choice !== "-" && (!wanted.kind || row.kind === wanted.kind));
  all.sort((x, y) => wanted.first.includes(y.row.id) - wanted.first.includes(x.row.id));
  const some = isWhole ? all : all.slice(0, MOST_SYSTEMS);
  const gold = shown.indexOf(item.gold);
  const heads = [el("th", { scope: "col", class: "name" }, "System"), el("th", { scope: "col" }, "Result"),
    ...LETTERS.map((letter, k) => el("th", { scope: "col", class: k === gold ? "number gold" : "number" }, letter,
      k === gold ? hiddenText(", the right option") : ""))];
  const table = tableOf("answers", "Every system's choice and probabilities, in percent", heads,
    some.map((each) => answerRow(each, gold)));
  const more = some.length < all.length ? el("button", { type: "button" }, `Show all ${all.length} systems`) : "";
  const parts = [note("Numbers: the system's probability of the option, in percent. ●: chosen option. Underlined letter: right "
    + "option. Grey: systems without a rank."), el("div", { class: "scroll" }, table), more];
  if (more) {
    more.addEventListener("click", () => {
      more.parentElement.replaceChildren(...answerTable(board, item, shown, answer, wanted, true));
    });
  }
  return parts;
}

// Return the percents of a system's five letters; null if the system has no probabilities.
function percentsOf(codes, k) {
  const percents = LETTERS.map((_, letter) => codes.charCodeAt(LETTERS.length * k + letter) - FIRST_CODE);
  return percents[0] > 100 ? null : percents;
}

function answerRow({ row, choice, percents }, gold) {
  const mask = BASE_32.indexOf(choice);
  const chosen = LETTERS.map((_, k) => (mask >> k) & 1);
  const many = chosen.reduce((sum, one) => sum + one, 0);
  const result = !many ? el("td", { class: "soft" }, "no choice")
    : !chosen[gold] ? el("td", { class: "wrong" }, "wrong")
      : el("td", { class: many === 1 ? "right" : null }, many === 1 ? "right" : `${many} tied`);
  return el("tr", { class: row.rank ? null : "unranked" }, el("th", { scope: "row" }, systemLink(row)), result,
    ...LETTERS.map((_, k) => {
      const p = percents?.[k];
      const look = `number${isNumber(p) ? " share" : ""}${chosen[k] ? " chosen" : ""}${k === gold ? " gold" : ""}`;
      return el("td", { class: look, "--v": isNumber(p) ? p / 100 : null },
        chosen[k] ? el("span", { class: "choice" }, el("span", { "aria-hidden": "true" }, "● "), hiddenText("chosen ")) : "",
        isNumber(p) ? String(p) : "");
    }));
}

function systemLink(row) {
  const page = new RegExp(`^${SITE.link}$`).test(row.page || "") ? `../${row.page}` : null;
  const [name, base] = nameParts(row);
  const title = base ? `${name} (${base})` : name;
  return page ? el("a", { href: page }, title) : el("bdi", {}, title);
}
