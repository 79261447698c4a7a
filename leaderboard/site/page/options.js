// Write an item's query and options, for all pages.

const ITEMS = window.RECIPE_MPR_ITEMS || {};
const WITHOUT_TEXTS = "Items and recipes are shown by their ids, because this page was built without the dataset. "
  + "To see the texts, run “recipe-mpr data fetch” and build the page again. ";

const itemOf = (id) => (Object.hasOwn(ITEMS, id) && ITEMS[id]) || {};
const typesOf = (item) => (item.types?.length ? item.types : ["Untyped"]);
const queryOf = (id) => line(itemOf(id).query || id, 500);
const hasTexts = (ids) => ids.some((id) => itemOf(id).query);

// Return the recipe ids at A to E. `item.order` has the place in the file of each option in shuffled order.
function shownOf(item, order) {
  const shown = item.shown || [];
  if (order !== "file" || !item.order) return shown;
  const inFile = [];
  [...item.order].forEach((slot, k) => { inFile[slot] = shown[k]; });
  return inFile;
}

const textOfOption = (item, recipeId) => line(item.options?.[recipeId] ?? recipeId, 500);

// Return an option as "C) a text"; without a letter if the order that the system saw is unknown.
function optionLabel(item, recipeId, shown, withLetters = true) {
  const place = withLetters ? shown.indexOf(recipeId) : -1;
  const text = item.options ? textOfOption(item, recipeId) : el("code", {}, line(recipeId, 40));
  return el("span", { class: "option" }, place < 0 ? "" : el("b", {}, `${LETTERS[place]}) `), text);
}

// Return whole percent, rounded half to even as in Python.
function wholePercent(fraction) {
  if (!isNumber(fraction)) return null;
  const value = 100 * fraction;
  const low = Math.floor(value);
  return value - low === 0.5 ? low + (low % 2) : Math.round(value);
}

const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

// Join every item's words once, not at every key press.
const TEXTS = new Map();
function searchText(id) {
  if (!TEXTS.has(id)) {
    const item = itemOf(id);
    TEXTS.set(id, [id, item.query, ...Object.values(item.options || {}), ...(item.shown || [])].join(" ").toLowerCase());
  }
  return TEXTS.get(id);
}

const fitsItem = (id, type, words) =>
  (!type || typesOf(itemOf(id)).includes(type)) && words.every((word) => searchText(id).includes(word));

// Return the five options in shown order. `says` returns the further contents of an option's line.
function optionList(item, shown, withLetters, says) {
  return el("ol", { class: "options" }, ...shown.map((recipeId, k) => {
    const isGold = recipeId === item.gold;
    return el("li", { class: isGold ? "gold" : null },
      el("span", {}, optionLabel(item, recipeId, shown, withLetters),
        isGold ? el("span", { class: "badge good" }, "right option") : ""),
      ...says(k, recipeId));
  }));
}

// Return a bar that shows a share, with its text.
const shareBar = (share, ...text) => el("span", { class: "sharebar", "--v": share }, ...text);
const resultBadge = (accuracy, several) => {
  const [look, text] = accuracy === 1 ? ["good", "right"] : accuracy === 0 ? ["bad", "wrong"]
    : [null, isNumber(accuracy) ? `${several ? "partly" : "tied"} (${percent(accuracy)}%)` : "no score"];
  return el("span", { class: look ? `badge ${look}` : "badge" }, text);
};
