// Load files on demand. Pages opened from disk cannot fetch, but they can load scripts.

const LOADING = new Map();

// Resolves once the script has run. Rejects if the file is missing; the next call tries again.
function loadScript(address) {
  if (!LOADING.has(address)) {
    LOADING.set(address, new Promise((resolve, reject) => {
      const script = el("script", { src: address });
      script.addEventListener("load", resolve);
      script.addEventListener("error", () => {
        LOADING.delete(address);
        reject(new Error(`${address} cannot be read`));
      });
      document.head.append(script);
    }));
  }
  return LOADING.get(address);
}

// The page's state, stored in the address after "#". `usual` has every key and its default value.
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

// A form's fields by the name of the state's key: every change hands on all of them, typing after a pause.
function bindFields(form, change) {
  const fields = [...form.querySelectorAll("[name]")];
  let waiting = null;
  const all = () => change(Object.fromEntries(fields.map((field) => [field.name, field.value])));
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const field of fields) {
    field.addEventListener("input", () => {
      clearTimeout(waiting); // what is being typed counts already
      if (field.type === "search") waiting = setTimeout(all, 80);
      else all();
    });
  }
}

// If no field can show a value of the address, the field gets its default value.
function showFields(form, state) {
  for (const field of form.querySelectorAll("[name]")) {
    if (field.value !== state[field.name]) field.value = state[field.name];
    if (field.value !== state[field.name]) state[field.name] = field.value = "";
  }
}
