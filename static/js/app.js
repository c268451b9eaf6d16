// Counterfoil's own script. Every page works without it; it adds keys, the row cursor, selection, the palette,
// dialogs, copying and the beat that live regions listen for. No page writes script of its own: elements say
// what they want by attributes.
//
//   data-key="s"            this key presses the element
//   data-beside="id"        holds what belongs to the row with this id: under another row its keys open that one first
//   data-dialog="id"        a press opens that <dialog> (without script the link or button does its own)
//   data-copy="text"        a press copies the text
//   data-select             a checkbox of a row; Shift selects up to here; X does it for the row under the cursor
//   data-select-all         the checkbox of the head
//   data-bulk               the bar that shows while rows are selected; [data-bulk-count] in it counts them
//   data-focus              is focused when the page opens (error summaries)
//   data-guard              a form whose unsaved changes are not left without a question
//   data-busy="Buying..."   what a button says while its form is on the way
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const body = document.body;

  // ---- the row cursor is real focus on the row's link, so that screen readers hear it
  const rowLinks = () => all(".row-link, [data-row] a.name").filter((link) => link.offsetParent !== null);
  const rowOf = (element) => element && element.closest("[data-row], tr");
  const cursor = () => one(".is-cursor");
  const mark = (row) => {
    const old = cursor();
    if (old !== row) {
      if (old) old.classList.remove("is-cursor");
      if (row) row.classList.add("is-cursor");
    }
  };
  const move = (step) => {
    const links = rowLinks();
    if (!links.length) {
      const way = one(step > 0 ? "[data-next]" : "[data-previous]");
      if (way) way.click();
      return;
    }
    const here = links.findIndex((link) => rowOf(link) === cursor());
    const next = links[Math.min(Math.max(here + step, 0), links.length - 1)];
    next.focus({ preventScroll: true });
    rowOf(next).scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("focusin", (event) => {
    if (event.target.matches(".row-link, [data-row] a.name")) mark(rowOf(event.target));
  });

  // ---- selection
  let last = null;
  const boxes = () => all("[data-select]");
  const showSelection = () => {
    const chosen = boxes().filter((box) => box.checked);
    boxes().forEach((box) => rowOf(box)?.setAttribute("aria-selected", String(box.checked)));
    const head = one("[data-select-all]");
    if (head) {
      head.checked = chosen.length > 0 && chosen.length === boxes().length;
      head.indeterminate = chosen.length > 0 && !head.checked;
    }
    all("[data-bulk]").forEach((bar) => {
      bar.hidden = chosen.length === 0;
      all("[data-bulk-count]", bar).forEach((text) => (text.textContent = String(chosen.length)));
    });
  };
  const choose = (box, on, range) => {
    const list = boxes();
    const from = range && last ? list.indexOf(last) : -1;
    const to = list.indexOf(box);
    if (from >= 0) list.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((it) => (it.checked = on));
    box.checked = on;
    last = box;
    showSelection();
  };
  document.addEventListener("click", (event) => {
    const box = event.target.closest("[data-select]");
    if (box) choose(box, box.checked, event.shiftKey);
    if (event.target.matches("[data-select-all]")) {
      boxes().forEach((it) => (it.checked = event.target.checked));
      showSelection();
    }
  });
  const selectHere = (range) => {
    const box = cursor() && one("[data-select]", cursor());
    if (box) choose(box, range || !box.checked, range);
  };

  // ---- dialogs
  const open = (id) => {
    const dialog = document.getElementById(id);
    if (!dialog || !dialog.showModal) return false;
    if (!dialog.open) dialog.showModal();
    return true;
  };
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener && !event.ctrlKey && !event.metaKey && open(opener.dataset.dialog)) event.preventDefault();
    if (event.target.matches("dialog")) event.target.close();
    const closer = event.target.closest("[data-close]");
    if (closer) closer.closest("dialog")?.close();
  });

  // ---- the palette: results come from the server as an ARIA listbox
  const palette = document.getElementById("palette");
  if (palette) {
    const input = one("input", palette);
    const list = document.getElementById("palette-list");
    let timer = 0;
    let asked = 0;
    const options = () => all("[role=option]", list);
    const point = (option) => {
      options().forEach((it) => it.setAttribute("aria-selected", String(it === option)));
      if (option) {
        input.setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({ block: "nearest" });
      } else input.removeAttribute("aria-activedescendant");
    };
    const go = (option) => {
      if (option) location.assign(option.dataset.href);
    };
    const ask = async () => {
      const mine = ++asked;
      const url = `${input.dataset.url}?q=${encodeURIComponent(input.value)}`;
      const answer = await fetch(url, { headers: { "HX-Request": "true" } }).catch(() => null);
      if (mine !== asked || !answer || !answer.ok) return false;
      // Our own server's markup, escaped there.
      list.innerHTML = await answer.text();
      options().forEach((option, number) => (option.id ||= `palette-${number}`));
      point(options()[0]);
      return true;
    };
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, 80);
    });
    input.addEventListener("keydown", async (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const here = options().findIndex((it) => it.getAttribute("aria-selected") === "true");
      if (step) {
        event.preventDefault();
        point(options()[Math.min(Math.max(here + step, 0), options().length - 1)]);
      } else if (event.key === "Enter") {
        event.preventDefault();
        clearTimeout(timer);
        // Typed faster than the list came: ask first, so that Enter means what was typed.
        if (input.value !== list.dataset.query) await ask();
        const now = options().findIndex((it) => it.getAttribute("aria-selected") === "true");
        go(options()[now < 0 ? 0 : now]);
      }
    });
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) go(option);
    });
    new MutationObserver(() => {
      if (!palette.open) return;
      input.select();
      ask();
    }).observe(palette, { attributes: true, attributeFilter: ["open"] });
    new MutationObserver(() => (list.dataset.query = input.value)).observe(list, { childList: true });
  }

  // ---- keys: the sheet is the table; single keys only where the account has them on
  const press = (element) => {
    if (element.matches("input, select, textarea")) element.focus();
    else element.click();
  };
  const free = (action) => (event) => {
    if (one("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action(event);
  };
  if (window.tinykeys) {
    const bindings = {};
    if (palette) {
      bindings["$mod+k"] = (event) => {
        event.preventDefault();
        open("palette");
      };
    }
    if (body.hasAttribute("data-keys-on")) {
      // Sequences first: their second key must not be taken for a single one.
      all("#keys [data-keys][data-href]").forEach((row) => {
        bindings[row.dataset.keys] = free(() => location.assign(row.dataset.href));
      });
      Object.assign(bindings, {
        "[Shift]+/": free(() => (one("main [type=search]") || one("[data-dialog=palette]"))?.[one("main [type=search]") ? "focus" : "click"]()),
        "[Shift]+?": free(() => open("keys")),
        j: free(() => move(1)),
        k: free(() => move(-1)),
        x: free(() => selectHere(false)),
        "Shift+x": free(() => selectHere(true)),
      });
      for (const key of "abcdefhilmnopqrstuvwyz") {
        bindings[key] ||= (event) => {
          const target = cursor() && one(`[data-key="${key}"]`, cursor());
          const element = target || one(`[data-key="${key}"]`);
          const beside = element?.closest("[data-beside]");
          const other = beside && cursor() && cursor().id !== beside.dataset.beside && one(".row-link", cursor());
          if (element) free(() => press(other || element))(event);
        };
      }
    }
    window.tinykeys.tinykeys(window, bindings, {
      ignore: (event) =>
        event.repeat && !/^[jk]$/i.test(event.key) ||
        event.isComposing ||
        (!(event.ctrlKey || event.metaKey) &&
          event.target.matches?.("input:not([type=checkbox], [type=radio], [type=button], [type=submit]), select, textarea, [contenteditable]")),
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || one("dialog[open]")) return;
    if (document.activeElement?.matches("main input, main select, main textarea")) document.activeElement.blur();
    else if (boxes().some((box) => box.checked)) {
      boxes().forEach((box) => (box.checked = false));
      showSelection();
    }
  });

  // ---- copying
  document.addEventListener("click", async (event) => {
    const source = event.target.closest("[data-copy]");
    if (!source || !navigator.clipboard) return;
    await navigator.clipboard.writeText(source.dataset.copy || source.textContent.trim());
    say("Copied");
  });

  // ---- toasts stay six seconds, longer under pointer or focus
  const toasts = document.getElementById("toasts");
  const fade = (toast) => {
    let held = false;
    ["mouseenter", "focusin"].forEach((name) => toast.addEventListener(name, () => (held = true)));
    ["mouseleave", "focusout"].forEach((name) => toast.addEventListener(name, () => (held = false)));
    const end = () => (held ? setTimeout(end, 2000) : toast.remove());
    setTimeout(end, 6000);
  };
  const say = (text) => {
    if (!toasts) return;
    const toast = document.createElement("div");
    toast.className = "toast";
    toast.textContent = text;
    toasts.append(toast);
    fade(toast);
  };
  all(".toast").forEach(fade);
  // A fragment's answer may carry `HX-Trigger: {"toast": "Replayed"}`.
  body.addEventListener("toast", (event) => say(event.detail.value ?? event.detail));

  // ---- forms
  one("[data-focus]")?.focus();
  let unsaved = false;
  document.addEventListener("input", (event) => {
    if (event.target.closest("[data-guard]")) unsaved = true;
  });
  document.addEventListener("submit", (event) => {
    unsaved = false;
    const button = event.submitter;
    if (!button?.dataset.busy) return;
    // After the browser has read the form: a disabled button would not be sent.
    setTimeout(() => {
      button.disabled = true;
      button.textContent = button.dataset.busy;
    });
  });
  addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
  // Back from another page: the button is what it was.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
    showSelection();
  });

  // ---- the beat: live regions ask again, and only while somebody looks
  setInterval(() => {
    if (document.visibilityState === "visible") body.dispatchEvent(new CustomEvent("cf:tick"));
  }, 15000);
  const connection = () => body.classList.toggle("is-offline", !navigator.onLine);
  addEventListener("online", connection);
  addEventListener("offline", connection);
  connection();
})();
