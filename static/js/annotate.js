// Makes the annotator's pages smoother. Everything also works without it.
//
// An answer is kept in the browser from the moment Next is pressed until the server has said that it
// is stored, and is sent again with the same key until then: the server stores a key once.

const IDLE_MS = 30_000;
const TICK_MS = 1_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 8_000;
const form = document.querySelector("[data-answer]");

// ------------------------------------------------------------------ small parts of every page

for (const once of document.querySelectorAll("form[data-once]")) {
  once.addEventListener("submit", (event) => {
    if (once.dataset.sent) event.preventDefault();
    once.dataset.sent = "1";
  });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const code = document.querySelector("[data-code]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(code);
    const copied = await navigator.clipboard.writeText(code.textContent).then(() => true, () => document.execCommand("copy"));
    if (copied) document.querySelector("[data-copy-status]").textContent = button.dataset.copied;
  });
}

// A page that the browser kept aside may be out of date.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// ------------------------------------------------------------------ what is kept in the browser

const here = location.pathname;
const pendingName = (assignment) => `evenhand:${here}:${assignment}`;

function storage(action) {
  try {
    return action(localStorage);
  } catch {
    return null; // Private modes may refuse; the answer then lives as long as the page.
  }
}

const keep = (assignment, body) => storage((store) => store.setItem(pendingName(assignment), body));
const drop = (assignment) => storage((store) => store.removeItem(pendingName(assignment)));

function kept() {
  const found = storage((store) => Object.entries(store).filter(([name]) => name.startsWith(pendingName("")))) ?? [];
  return found.map(([name, body]) => ({ assignment: name.slice(pendingName("").length), body }));
}

// ------------------------------------------------------------------ sending

const wait = (ms) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    addEventListener("online", () => (clearTimeout(timer), resolve()), { once: true });
  });

// The token of the page at hand, since that of the page which kept the answer may have changed.
function fresh(body) {
  const data = new URLSearchParams(body);
  data.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  return data;
}

async function post(body) {
  const response = await fetch(form.action, {
    method: "POST",
    body: fresh(body),
    headers: { Accept: "application/json" },
    credentials: "same-origin",
  });
  const passing = response.status >= 500 || response.status === 429;
  if (passing) throw new Error(`status ${response.status}`);
  const json = response.headers.get("Content-Type")?.startsWith("application/json");
  return json ? response.json() : { next: response.redirected ? response.url : null };
}

// Returns what the server said; tries for as long as the network, or the server, is away.
async function deliver(body, whenAway) {
  for (let pause = FIRST_RETRY_MS; ; pause = Math.min(pause * 2, LAST_RETRY_MS)) {
    try {
      return await post(body);
    } catch {
      whenAway();
      await wait(pause);
    }
  }
}

// ------------------------------------------------------------------ active time

// Time in which the page is visible and somebody does something; kept over a reload.
function activeTime(assignment) {
  const name = `evenhand:active:${assignment}`;
  let total = 0;
  let mark = performance.now();
  let last = mark;
  try {
    total = Number(sessionStorage.getItem(name)) || 0;
  } catch {
    total = 0;
  }
  const count = () => {
    const now = performance.now();
    const end = Math.min(now, last + IDLE_MS);
    if (document.visibilityState === "visible" && end > mark) total += end - mark;
    mark = now;
  };
  const stir = () => (count(), (last = performance.now()));
  for (const sign of ["pointermove", "pointerdown", "keydown", "wheel", "scroll", "touchstart", "focus"]) {
    addEventListener(sign, stir, { passive: true, capture: true });
  }
  // The stretch that ends when the page is hidden still counts; the hidden one does not.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") {
      total += Math.max(0, Math.min(performance.now(), last + IDLE_MS) - mark);
    } else {
      last = performance.now();
    }
    mark = performance.now();
  });
  const save = () => {
    count();
    try {
      sessionStorage.setItem(name, String(Math.round(total)));
    } catch {
      // Then a reload starts anew.
    }
    return Math.round(total);
  };
  setInterval(save, TICK_MS);
  addEventListener("pagehide", save);
  return save;
}

// ------------------------------------------------------------------ the comparison page

function compare() {
  const questions = [...form.querySelectorAll("[data-question]")];
  const status = form.querySelector("[data-status]");
  const error = form.querySelector("[data-error]");
  const next = form.querySelector("[data-next]");
  const undo = document.querySelector("[data-undo]");
  const help = document.getElementById("help");
  const assignment = form.dataset.assignment;
  const shownAt = performance.now();
  const elapsed = activeTime(assignment);
  let busy = false;
  let latest = null;

  form.noValidate = true;
  const radios = (question) => [...question.querySelectorAll("input[type=radio]")];
  const answered = (question) => radios(question).some((radio) => radio.checked);
  const unanswered = () => questions.find((question) => !answered(question));

  function current() {
    const focused = document.activeElement?.closest?.("[data-question]");
    return focused ?? unanswered() ?? latest ?? questions[0];
  }

  function mark() {
    const now = questions.length > 1 ? unanswered() : null;
    for (const question of questions) question.classList.toggle("question--now", question === now);
  }

  function lock(on) {
    busy = on;
    next.disabled = on;
    undo.disabled = on || undo.dataset.never === "1";
    next.setAttribute("aria-busy", String(on));
    for (const question of questions) question.disabled = on;
  }

  function complain(text) {
    error.textContent = text;
    error.hidden = !text;
  }

  function choose(radio) {
    const question = radio.closest("[data-question]");
    radio.checked = true;
    latest = question;
    complain("");
    (unanswered() ? radios(unanswered())[0] : radio).focus({ preventScroll: true });
    mark();
  }

  function restore(body) {
    const ticked = new URLSearchParams(body).getAll("ticked");
    for (const box of form.querySelectorAll("input[name=ticked]")) box.checked = ticked.includes(box.value);
    for (const [name, value] of new URLSearchParams(body)) {
      const field = form.elements[name];
      if (name.startsWith("choice-") && field) field.value = value;
      if (name === "key" || name === "reason") field.value = value;
    }
    mark();
  }

  async function send(body) {
    lock(true);
    complain("");
    status.textContent = form.dataset.saving;
    keep(assignment, body);
    const said = await deliver(body, () => (status.textContent = form.dataset.offline));
    drop(assignment);
    if (!said.next) {
      status.textContent = "";
      complain(said.error ?? form.dataset.refused);
      lock(false);
      if (said.field) form.querySelector(".flyout").open = true;
      form.elements[said.field]?.focus();
      return;
    }
    status.textContent = form.dataset.saved;
    location.replace(said.next);
  }

  function confirm() {
    if (busy) return;
    const missing = unanswered();
    if (missing) {
      complain(questions.length > 1 ? `${form.dataset.missing} ${missing.querySelector("legend").textContent}` : form.dataset.missing);
      radios(missing)[0].focus();
      return;
    }
    form.elements.active_ms.value = String(elapsed());
    send(new URLSearchParams(new FormData(form)).toString());
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    confirm();
  });
  form.addEventListener("change", (event) => {
    latest = event.target.closest("[data-question]") ?? latest;
    complain("");
    mark();
  });

  // Arrows step along a graded scale, from its middle outwards.
  function step(question, direction) {
    const all = radios(question);
    const at = all.findIndex((radio) => radio.checked);
    const from = at < 0 ? (all.length - 1) / 2 : at;
    return all[Math.max(0, Math.min(all.length - 1, from + direction))];
  }

  function pick(key) {
    const question = current();
    if (question.hasAttribute("data-graded") && key.startsWith("Arrow")) {
      return step(question, key === "ArrowLeft" ? -1 : 1);
    }
    const wanted = key.length === 1 ? key.toUpperCase() : key;
    return radios(question).find((radio) => radio.getAttribute("aria-keyshortcuts").split(" ").includes(wanted));
  }

  function elsewhere(target) {
    const typing = target.closest("textarea, select, input:not([type=radio])");
    return typing || target.closest(".flyout__body, dialog");
  }

  function act(event) {
    const { key } = event;
    if (key === "Enter") {
      if (event.target.closest("button, a, summary")) return false;
      confirm();
      return true;
    }
    if (key === "?") {
      help.showModal();
      return true;
    }
    if (key === "u" || key === "U") {
      undo.click();
      return true;
    }
    const radio = pick(key);
    if (radio) choose(radio);
    return Boolean(radio);
  }

  addEventListener("keydown", (event) => {
    if (help.open && event.key === "?") {
      help.close();
      event.preventDefault();
    }
    if (event.defaultPrevented || elsewhere(event.target)) return;
    const undoing = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "z";
    if (!undoing && (event.ctrlKey || event.metaKey || event.altKey)) return;
    const early = performance.now() - shownAt < Number(form.dataset.minExposure);
    if (busy || event.repeat || early) {
      // A held arrow would otherwise walk along the radio buttons by itself.
      if (event.target.matches("input[type=radio]") && /^(Arrow|Enter)/.test(event.key)) event.preventDefault();
      return;
    }
    if (undoing) {
      undo.click();
      event.preventDefault();
    } else if (act(event)) {
      event.preventDefault();
    }
  });

  undo.dataset.never = undo.disabled ? "1" : "";
  for (const button of document.querySelectorAll("[data-open-help]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
  for (const flyout of document.querySelectorAll(".flyout")) {
    flyout.addEventListener("toggle", () => flyout.open && flyout.scrollIntoView({ block: "nearest" }));
    flyout.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      flyout.open = false;
      flyout.querySelector("summary").focus();
    });
  }
  mark();

  // What an earlier visit could not deliver.
  for (const { assignment: whose, body } of kept()) {
    if (whose === assignment) {
      restore(body);
      send(body);
    } else {
      deliver(body, () => {}).then(() => drop(whose));
    }
  }
}

if (form) compare();
