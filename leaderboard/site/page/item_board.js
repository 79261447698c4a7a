// Draw the page of a board's items: filters, sorting and the list. The address stores the state.

const PAGE_STATE = { sort: "", show: "", type: "", kind: "", q: "", a: "", b: "", outcome: "", item: "" };
const board = data();
board.byId = new Map(board.systems.map((row) => [row.id, row]));
const KINDS = Object.keys(board.kinds);
const LISTED = board.items.map(([id, right, partly, mean, apart, byKind, votes], place) =>
  ({ id, right, partly, mean, apart, byKind, votes, place }));
const PLACES = new Map(LISTED.map((item) => [item.id, item]));
let state = null;
let pair = null; // the two systems' items, once they are loaded

const SHOWN = {
  never: (item) => item.mean === 0,
  always: (item) => item.right === board.counted.length,
  split: (item) => item.mean > 0 && item.right < board.counted.length,
};

// Return the sort key, low for hard items: number of right systems of the chosen kind, then the mean accuracy.
const byMean = (item) => (state.kind ? item.byKind[KINDS.indexOf(state.kind)] : 0) * 10 + item.mean;
const SORTS = {
  "": (x, y) => byMean(x) - byMean(y),
  easy: (x, y) => byMean(y) - byMean(x),
  apart: (x, y) => (y.apart ?? -1) - (x.apart ?? -1),
  id: (x, y) => x.place - y.place,
};

function listed() {
  const words = wordsOf(state.q);
  const fits = (item) => (!state.show || SHOWN[state.show](item)) && fitsItem(item.id, state.type, words);
  if (!pair) return LISTED.filter(fits).sort(SORTS[state.sort]);
  const items = pair.items.filter((entry) => !state.outcome || entry.outcome === state.outcome)
    .map((entry) => ({ ...PLACES.get(entry.id), pair: entry })).filter(fits);
  const group = (item) => OUTCOMES.indexOf(item.pair.outcome);
  return items.sort((x, y) => group(x) - group(y) || SORTS[state.sort](x, y));
}

function itemLine(item) {
  const n = board.counted.length;
  const kinds = KINDS.length > 1 ? KINDS.map((kind, k) => `${kind} ${item.byKind[k]} of ${board.kinds[kind]}`) : [];
  const under = [line(item.id, 40), typesOf(itemOf(item.id)).join(", "), ...kinds,
    item.partly ? `${item.partly} tied` : "", isNumber(item.apart) ? `disagreement ${percent(item.apart)}%` : ""];
  const summary = el("summary", {}, el("span", { class: "query" }, queryOf(item.id)),
    el("span", { class: "result" }, shareBar(item.right / Math.max(n, 1), `${item.right} of ${n} right`)),
    el("span", { class: "aside" }, under.filter(Boolean).join(" · ")), ...(item.pair ? pairAnswers(board, item.pair) : []));
  const entry = el("details", { class: "item", "data-item": item.id }, summary);
  entry.addEventListener("toggle", () => {
    if (entry.open && entry.children.length === 1) openItem(entry, board, item, { kind: state.kind, first: [state.a, state.b] });
    if (entry.open !== (state.item === item.id)) keep({ item: entry.open ? item.id : "" });
  });
  return entry;
}

// Change the address without redrawing.
function keep(part) {
  state = { ...state, ...part };
  writeHash(state, PAGE_STATE);
}

function drawList() {
  const items = listed();
  const all = pair ? pair.items.length : LISTED.length;
  byId("count").textContent = `${items.length} of ${all} items`;
  const upTo = drawInBatches(byId("list"), items, itemLine);
  const place = items.findIndex((item) => item.id === state.item);
  if (place >= 0) {
    upTo(place + 1);
    const entry = byId("list").querySelector(`[data-item="${CSS.escape(state.item)}"]`);
    entry.open = true;
    if (place > 3) entry.scrollIntoView({ block: "start" });
  }
  writeHash(state, PAGE_STATE);
}

async function draw() {
  const chosen = [board.byId.get(state.a), board.byId.get(state.b)];
  const wanted = state.a + " " + state.b;
  byId("pair").hidden = byId("clear-pair").hidden = !chosen[0] || !chosen[1];
  pair = pair?.key === wanted ? pair : null;
  if (chosen[0] && chosen[1] && !pair) {
    byId("pair").replaceChildren(note("The two systems' answers are being loaded."));
    try {
      const items = await loadPair(...chosen);
      if (wanted !== state.a + " " + state.b) return; // the reader chose other systems meanwhile
      pair = { key: wanted, a: chosen[0], b: chosen[1], items };
    } catch (error) {
      byId("pair").replaceChildren(note(`The two systems cannot be compared: ${error.message}.`));
    }
  }
  if (pair) byId("pair").replaceChildren(...pairSummary(board, pair, state, (outcome) => change({ outcome })));
  drawList();
}

function change(part) {
  state = { ...state, ...part, item: "" };
  if (!state.a || !state.b) state.outcome = "";
  showFields(byId("controls"), state);
  draw();
}

function fillChoices() {
  const types = new Set(LISTED.flatMap((item) => typesOf(itemOf(item.id))));
  byId("type-choice").append(...SITE.types.filter((name) => types.has(name)).map((name) => el("option", { value: name }, name)));
  byId("kind-choice").append(...KINDS.map((kind) => el("option", { value: kind }, `${kind} (${board.kinds[kind]})`)));
  byId("kind-label").hidden = KINDS.length < 2;
  const answered = new Set(board.answered);
  for (const id of ["a-choice", "b-choice"]) {
    byId(id).append(...board.systems.filter((row) => answered.has(row.id) && answersFile(row)).map((row) =>
      el("option", { value: row.id }, `${row.rank ? `${row.rank}. ` : ""}${line(row.system, 70)} ${percent(row.acc)}`)));
  }
}

function start() {
  skipLinks();
  fillChoices();
  byId("texts-note").textContent = hasTexts(LISTED.map((item) => item.id)) ? "" : WITHOUT_TEXTS;
  drawDifficulty(byId("difficulty"), { content: board });
  byId("controls").hidden = false;
  bindFields(byId("controls"), change);
  byId("clear-pair").addEventListener("click", () => change({ a: "", b: "" }));
  const read = () => {
    state = readHash(PAGE_STATE);
    showFields(byId("controls"), state);
    draw();
  };
  addEventListener("hashchange", read);
  read();
}

start();
