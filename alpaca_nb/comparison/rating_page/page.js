"use strict";
// One pair at a time: shown with textContent only (an answer may hold anything), sent at once, and never counted as
// saved before the server has said so.
const element = (id) => document.getElementById(id);
const CHOICES = { "choose-a": "A", "choose-b": "B", "choose-tie": "tie" };
const KEYS = { 1: "A", 2: "B", 3: "tie" };
const REMEMBERED = "rater";
let view = null;
let shownAt = 0;
let waiting = false;

async function call(what, body) {
  if (waiting) return;
  waiting = true;
  enable();
  try {
    const answer = await fetch(`api/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ rater: localStorage.getItem(REMEMBERED), ...body }),
    });
    if (!answer.ok && answer.status !== 409) throw new Error((await answer.json()).error);
    view = await answer.json();
    localStorage.setItem(REMEMBERED, view.rater);
    element("trouble").textContent =
      answer.status === 409 ? "That pair was rated already (in another window?). Here is the next one." : "";
    show();
  } catch (error) {
    element("trouble").textContent = `Not saved: ${error.message || "the server does not answer"}. Please press again.`;
  }
  waiting = false;
  enable();
}

function show() {
  element("progress").max = view.of || 1;
  element("progress").value = view.done;
  element("count").textContent = `${view.done} of ${view.of}`;
  element("work").hidden = element("why").hidden = view.finished;
  element("reason").value = "";
  element("reason").blur();  // the keys 1, 2 and 3 choose again
  element("finished").hidden = !view.finished;
  if (view.finished) {
    const pace = view.median_seconds === null ? "" : ` Half of them took you less than ${view.median_seconds.toFixed(1)} s.`;
    element("thanks").textContent = `You have rated all ${view.done} pairs.${pace} You may close this page.`;
    return;
  }
  for (const name of ["instruction", "input", "a", "b"]) element(name).textContent = view[name];
  window.scrollTo(0, 0);
  shownAt = performance.now();
}

function enable() {
  const open = view !== null && !waiting;
  for (const id of Object.keys(CHOICES)) element(id).disabled = !open || view.finished;
  element("undo").disabled = !open || !view.can_undo;
}

function choose(side) {
  if (view === null || view.finished) return;
  call("click", { pair: view.pair, side, seconds: (performance.now() - shownAt) / 1000, reason: element("reason").value });
}

for (const [id, side] of Object.entries(CHOICES)) element(id).addEventListener("click", () => choose(side));
element("undo").addEventListener("click", () => call("undo", {}));
document.addEventListener("keydown", (event) => {
  if (event.target === element("reason")) {  // what is typed there is words
    if (event.key === "Enter" || event.key === "Escape") event.target.blur();
    return;
  }
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (KEYS[event.key]) choose(KEYS[event.key]);
  else if (event.key === "u" || event.key === "U") { if (view !== null && view.can_undo) call("undo", {}); }
  else return;
  event.preventDefault();
});
enable();
call("start", {});
