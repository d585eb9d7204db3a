// Progressive enhancement only: every page works with this file missing.
// Words shown to people come from the page, already translated.

/** Ask before a form that cannot be undone: <form data-confirm="..." data-confirm-verb="..."> */
const dialog = document.getElementById("pastikan");
const confirmed = new WeakSet();

function ask(form, submitter) {
  dialog.querySelector("#pastikan-pesan").textContent = form.dataset.confirm;
  const yes = dialog.querySelector('[value="ya"]');
  yes.textContent = form.dataset.confirmVerb || submitter?.textContent.trim() || yes.textContent;
  yes.onclick = () => {
    dialog.close();
    confirmed.add(form);
    form.requestSubmit(submitter ?? undefined);
  };
  dialog.querySelector('[value="batal"]').onclick = () => dialog.close();
  dialog.showModal();
}

// Capture phase: asks before htmx or the lock below sees the submit.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.confirm || confirmed.delete(form) || !dialog?.showModal) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  ask(form, event.submitter);
}, true);

/** A second tap on "Kirim" must not send twice. The button is disabled only after its value has been sent along. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.getAttribute("aria-busy") === "true") { event.preventDefault(); return; }
  form.setAttribute("aria-busy", "true");
  setTimeout(() => lock(form, true));
  setTimeout(() => lock(form, false), 15_000); // a download leaves the page standing, a dead network too
});

function lock(form, on) {
  form.setAttribute("aria-busy", String(on));
  for (const button of form.querySelectorAll("button:not([type=button])")) button.disabled = on;
}

// A page that comes back from the browser's memory must not come back locked.
addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll('form[aria-busy="true"]').forEach((form) => lock(form, false));
});

/** + and - beside a number. An empty field counts as 0; what cannot be read as a number is left as typed. */
function step(button) {
  const input = button.closest("[data-stepper]").querySelector("input");
  const typed = input.value.trim().replace(/^(\d{1,3})(\.\d{3})+$/, (text) => text.replaceAll(".", ""));
  if (!/^\d*$/.test(typed)) return;
  const low = Number(input.min || input.dataset.min || 0);
  const high = Number(input.max || input.dataset.max || 9_999_999);
  input.value = Math.min(high, Math.max(low, Number(typed) + Number(button.dataset.step)));
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

function enhance(root) {
  for (const button of root.querySelectorAll("[data-stepper] [data-step], [data-print]")) button.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-step]");
  if (button) step(button);
  if (event.target.closest?.("[data-print]")) print();
});

enhance(document);
new MutationObserver((records) => records.forEach(({ target }) => enhance(target)))
  .observe(document.body, { childList: true, subtree: true });

// A refused form starts at its summary of errors, so that a screen reader and a small screen both see it first.
document.querySelector("[data-focus]")?.focus();

/** One key for what a reviewer does hundreds of times: <button data-key="s">; j and k walk [data-walk] links. */
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  if (event.key === "j" || event.key === "k") {
    const links = [...document.querySelectorAll("[data-walk]")];
    const now = links.indexOf(document.activeElement);
    links[event.key === "j" ? Math.min(now + 1, links.length - 1) : Math.max(now - 1, 0)]?.focus();
    return;
  }
  const wanted = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!wanted) return;
  event.preventDefault();
  wanted.click();
});

/** Web Push on this device: <form data-push="our key" data-worker="script">. Hidden where the browser cannot do it. */
const pushForm = document.querySelector("[data-push]");
if (pushForm && "serviceWorker" in navigator && "PushManager" in window) {
  pushForm.hidden = false;
  pushForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const worker = await navigator.serviceWorker.register(pushForm.dataset.worker);
      const options = { userVisibleOnly: true, applicationServerKey: pushForm.dataset.push };
      const { endpoint, keys } = (await worker.pushManager.subscribe(options)).toJSON();
      Object.assign(pushForm.elements.endpoint, { value: endpoint });
      Object.assign(pushForm.elements.p256dh, { value: keys.p256dh });
      Object.assign(pushForm.elements.auth, { value: keys.auth });
      pushForm.submit();
    } catch {
      pushForm.querySelector("[role=alert]").hidden = false;
    }
  });
}
