// Smooths the dashboard. Every page works without it.
(() => {
  "use strict";

  // The reader's own way of writing dates, unless they chose to read another language than their browser's.
  const { lang } = document.documentElement;
  const own = navigator.language.split("-")[0] === lang;
  const moment = new Intl.DateTimeFormat(own ? undefined : lang, { dateStyle: "medium", timeStyle: "short" });

  // Times are sent in UTC; readers see their own zone, and UTC on hovering.
  function localTimes(root) {
    for (const time of root.querySelectorAll("time[data-local]")) {
      if (!time.title) time.title = time.textContent;
      time.textContent = moment.format(new Date(time.dateTime));
    }
  }

  function showCopyButtons(root) {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
  }

  async function copy(button) {
    const field = document.getElementById(button.dataset.copy);
    const said = document.querySelector(`[data-copied-for="${button.dataset.copy}"]`);
    try {
      await navigator.clipboard.writeText(field.value);
      const before = button.dataset.label ?? button.textContent;
      button.dataset.label = before;
      said.textContent = button.dataset.done;
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = before; said.textContent = ""; }, 2000);
    } catch {
      field.select();
    }
  }

  function improve(root) {
    localTimes(root);
    showCopyButtons(root);
  }

  document.addEventListener("click", (event) => {
    const copier = event.target.closest("[data-copy]");
    if (copier) copy(copier);
    const closer = event.target.closest("[data-close-dialog]");
    const dialog = closer?.closest("dialog");
    if (dialog) {
      event.preventDefault();
      dialog.close();
    }
    if (event.target.matches("dialog[open]")) event.target.close();
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || event.target.method !== "post") return;
    if (button.ariaBusy === "true") event.preventDefault();
    button.ariaBusy = "true";
  });
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  });

  // The same question as on the page of its own, asked in a dialog.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "dialog-body") document.getElementById("dialog").showModal();
  });
  for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(failure, (event) => {
      if (event.detail.elt.href) window.location.assign(event.detail.elt.href);
    });
  }

  // Nothing is asked of the server while nobody looks, nor while a dialog is open over the page.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const waiting = document.hidden || document.querySelector("dialog[open]");
    if (waiting && event.detail.elt.matches("[data-poll]")) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    const live = document.querySelector("[data-poll]");
    if (live && !document.hidden) window.htmx?.trigger(live, "refresh");
  });
  document.addEventListener("htmx:load", (event) => improve(event.detail.elt));
  improve(document);
})();
