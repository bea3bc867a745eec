// Shows one slide at a time: arrow keys, Page Up and Down, Space, Home, End; the address keeps the number.
const slides = [...document.querySelectorAll("section.slide")];
let at = Math.max(0, slides.findIndex((_, number) => location.hash === `#${number + 1}`));

// A slide that is too full is made smaller until it fits, as far as it can be read.
function fit(slide) {
  const content = slide.firstElementChild;
  for (let zoom = 1; zoom >= 0.4; zoom -= 0.05) {
    content.style.zoom = zoom;
    if (slide.scrollHeight <= slide.clientHeight && slide.scrollWidth <= slide.clientWidth) return;
  }
}

function show(number) {
  at = Math.min(slides.length - 1, Math.max(0, number));
  slides.forEach((slide, other) => slide.classList.toggle("shown", other === at));
  document.getElementById("place").textContent = `${at + 1} of ${slides.length}`;
  history.replaceState(null, "", `#${at + 1}`);
  fit(slides[at]);
}

const keys = {
  ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1,
  ArrowLeft: -1, ArrowUp: -1, PageUp: -1,
  Home: -slides.length, End: slides.length,
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
  if (event.key === " " && event.target.closest("button, summary, a")) return;
  event.preventDefault();
  show(at + keys[event.key]);
});
document.getElementById("back").addEventListener("click", () => show(at - 1));
document.getElementById("on").addEventListener("click", () => show(at + 1));
window.addEventListener("resize", () => fit(slides[at]));
window.addEventListener("beforeprint", () => slides.forEach((slide) => (slide.firstElementChild.style.zoom = "")));
document.body.classList.add("one-at-a-time");
show(at);
