// Draw the agreement of all pairs of systems: same choice, and right on the same items.

const AGREEMENTS = {
  same_choice: ["Same choice, %", "Percent of the items on which two systems choose the same option. With "
    + "ties, the expected percent of a random choice. A random system agrees with any other on 20% of the items."],
  error_consistency: ["Right on the same items", "Cohen's kappa of being right, times 100. 0: agreement by chance, given "
    + "the two accuracies. 100: right and wrong on the same items. Systems of one family often make the same errors."],
};

function drawAgreement(place, { rows, agreement }) {
  if (!agreement) {
    place.replaceChildren(note("Fewer than two systems: no pair to compare."));
    return;
  }
  const names = new Map(rows.map((row) => [row.id, row]));
  const choice = el("select", { id: "agreement-choice" }, ...Object.entries(AGREEMENTS).map(([key, [label]]) =>
    el("option", { value: key }, label)));
  const table = el("div", {});
  const draw = () => {
    const [label, about] = AGREEMENTS[choice.value];
    const cells = agreement[choice.value];
    const { share, legend, isKnown } = tintScale(cells.flat());
    table.replaceChildren(note(about), isKnown ? legend : "", scrolling(label, agreementTable(label, agreement.ids, names, cells, share)));
  };
  choice.addEventListener("change", draw);
  place.replaceChildren(el("p", { class: "pick" }, el("label", {}, "Agreement ", choice)), table);
  draw();
}

function agreementTable(label, ids, names, cells, share) {
  const name = (id) => line(names.get(id)?.system ?? id, 60);
  const heads = ids.map((id, k) => el("th", { scope: "col", class: "number" }, String(k + 1), hiddenText(` ${name(id)}`)));
  const body = ids.map((id, i) => el("tr", {}, el("th", { scope: "row" }, `${i + 1}. ${name(id)}`),
    ...cells[i].map((value, j) => (i === j ? el("td", { class: "number soft" }, "") : tintCell(value, share)))));
  return tableOf("agreement", label, [el("td", {}), ...heads], body);
}
