// Load files on demand. Pages opened from disk cannot fetch, but they can load scripts.

const LOADING = new Map();

// Load a script. The promise resolves when the script has run. If the file is missing, it rejects; the next call retries.
function loadScript(address) {
  if (!LOADING.has(address)) {
    LOADING.set(address, new Promise((resolve, reject) => {
      const script = el("script", { src: address });
      script.addEventListener("load", resolve);
      script.addEventListener("error", () => {
        LOADING.delete(address);
        reject(new Error(`${address} cannot be loaded; copy the whole folder of the site`));
      });
      document.head.append(script);
    }));
  }
  return LOADING.get(address);
}

// Return a system's answers, after its script was loaded: [item id, accuracy, chosen, probabilities, seen].
// The script has the probabilities as multiples of 1/10,000.
function answersOf(id) {
  const loaded = (window.RECIPE_MPR_ANSWERS || {})[id] || [];
  return loaded.map(([item, accuracy, chosen, units, seen]) => [item, accuracy, chosen, units?.map((unit) => unit / 1e4), seen]);
}

// Return the page's state, which is stored in the address after "#". `usual` has every key and its default value.
function readHash(usual) {
  const read = { ...usual };
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
    if (Object.hasOwn(usual, key)) read[key] = value;
  }
  return read;
}

function writeHash(state, usual) {
  const parts = new URLSearchParams(Object.entries(state).filter(([key, value]) => value !== usual[key]));
  const hash = parts.toString();
  if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? "#" + hash : location.pathname);
}

// Call `change` with all fields' values after each change; in a search field, after a pause. Field names are state keys.
function bindFields(form, change) {
  const fields = [...form.querySelectorAll("[name]")];
  let waiting = null;
  const all = () => change(Object.fromEntries(fields.map((field) => [field.name, field.value])));
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const field of fields) {
    field.addEventListener("input", () => {
      clearTimeout(waiting); // `all` reads the text that is being typed, too
      if (field.type === "search") waiting = setTimeout(all, 80);
      else all();
    });
  }
}

// Show the state in the form. Empty a field that cannot show its value from the address.
function showFields(form, state) {
  for (const field of form.querySelectorAll("[name]")) {
    if (field.value !== state[field.name]) field.value = state[field.name];
    if (field.value !== state[field.name]) state[field.name] = field.value = "";
  }
}
