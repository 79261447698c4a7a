// Draw the items of a system: one line per item with the answer. An open line shows the five options.

const ITEM_STATE = { result: "", type: "", q: "", sort: "" };

// Return the option order of a run, and a text about it. Letters are shown only if the order is known.
function ordersOf(row) {
  if (row.prompt_accs) {
    return { several: true, letters: true, says: "Each item was prompted with five templates. Results are means over the "
      + "templates. Choices are not shown." };
  }
  if (/file_order/.test(row.task || "")) {
    return { order: "file", letters: true, says: "This run showed the options in the dataset file's order: the right "
      + "option is always A." };
  }
  if (row.kind === "imported") {
    return { letters: false, says: "The option order of an imported run is not shown, so options have no "
      + "letters." };
  }
  const says = "Each item was shown in five option orders. Results and probabilities are means over the orders. "
    + "Letters are those of the first order.";
  return isBlank(row.perf) ? { letters: true, says: "" } : { letters: true, several: true, says };
}

const resultOf = (accuracy) => (accuracy === 1 ? "right" : accuracy > 0 ? "tied" : accuracy === 0 ? "wrong" : "none");

function itemEntry([id, accuracy, chosen, chances, seen], orders) {
  const item = itemOf(id);
  const shown = shownOf(item, orders.order);
  const label = (recipeId) => optionLabel(item, recipeId, shown, orders.letters);
  const confidence = chances && wholePercent(Math.max(...chances));
  const answer = chosen.length ? el("span", { class: "answer" }, el("span", { class: "soft" }, "Chosen "),
    ...chosen.flatMap((recipeId, k) => [k ? "; " : "", label(recipeId)]),
    isNumber(confidence) ? el("span", { class: "soft" }, ` ${confidence}%`) : "") : "";
  const isRight = accuracy === 1 && chosen.length;
  const right = item.gold && !isRight ? el("span", { class: "answer" }, el("span", { class: "soft" }, "Right "), label(item.gold)) : "";
  const under = [line(id, 40), typesOf(item).join(", "), ...(seen === 1 ? ["seen in training"] : [])].join(" · ");
  const summary = el("summary", {}, el("span", { class: "query" }, queryOf(id)),
    el("span", { class: "result" }, resultBadge(accuracy, orders.several)),
    el("span", { class: "aside" }, under), answer, right);
  const entry = el("details", { class: "item", "data-item": id }, summary);
  entry.addEventListener("toggle", () => {
    if (entry.open && entry.children.length === 1) entry.append(optionList(item, shown, orders.letters, says));
  });
  // Probabilities are stored in the order in which the options were shown.
  const says = (k, recipeId) => {
    const p = chances?.[k];
    return [chosen.includes(recipeId) ? el("span", { class: "badge tie" }, "chosen") : "",
      isNumber(p) ? shareBar(p, `${wholePercent(p)}%`) : ""];
  };
  return entry;
}

function drawItems(row, answers) {
  if (!answers.length) {
    byId("items-note").textContent = "No item results: the accuracy is a published claim.";
    return;
  }
  const orders = ordersOf(row);
  const ids = answers.map(([id]) => id);
  byId("items-note").textContent = (hasTexts(ids) ? "" : WITHOUT_TEXTS) + "Open an item to see its five options. "
    + orders.says + (answers.some((answer) => answer[3]) ? " Percentages: probabilities of the options." : "");
  const types = new Set(ids.flatMap((id) => typesOf(itemOf(id))));
  byId("type-choice").append(...SITE.types.filter((name) => types.has(name)).map((name) => el("option", { value: name }, name)));
  if (answers.some(([, accuracy]) => resultOf(accuracy) === "tied")) {
    byId("result-choice").append(el("option", { value: "tied" }, orders.several ? "partly" : "tied"));
  }
  byId("items").hidden = byId("item-controls").hidden = false;
  filterItems(answers, orders);
}

// Return the confidence by which items are sorted: the highest probability, or 0 without probabilities.
const sureness = (answer) => (answer[3] ? Math.max(...answer[3]) : 0);

function filterItems(answers, orders) {
  const form = byId("item-controls");
  const draw = (state) => {
    const words = wordsOf(state.q);
    const fitting = answers.filter(([id, accuracy]) =>
      (!state.result || state.result === resultOf(accuracy)) && fitsItem(id, state.type, words));
    if (state.sort === "sure") fitting.sort((a, b) => sureness(b) - sureness(a));
    if (state.sort === "unsure") fitting.sort((a, b) => sureness(a) - sureness(b));
    drawInBatches(byId("items"), fitting, (answer) => itemEntry(answer, orders));
    byId("item-count").textContent = `${fitting.length} of ${answers.length} items`;
    writeHash(state, ITEM_STATE);
  };
  let state = null;
  const read = () => {
    state = readHash(ITEM_STATE);
    showFields(form, state);
    draw(state);
  };
  byId("sort-label").hidden = !answers.some((answer) => answer[3]);
  bindFields(form, (part) => draw(state = { ...state, ...part }));
  addEventListener("hashchange", read);
  read();
}
