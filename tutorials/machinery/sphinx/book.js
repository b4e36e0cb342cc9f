"use strict";
// An explorer says how high it is.
window.addEventListener("message", (event) => {
  for (const frame of document.querySelectorAll("iframe.explorer")) {
    if (frame.contentWindow === event.source && event.data?.explorerHeight > 0) {
      frame.style.height = `${Math.ceil(event.data.explorerHeight)}px`;
    }
  }
});

// On a phone, a figure whose writing would be too small to read is shown larger, and scrolls.
function fitFigures() {
  for (const image of document.querySelectorAll("article p > img:only-child")) {
    const place = image.parentElement, least = 0.75 * image.naturalWidth;
    const wide = image.naturalWidth > 0 && least > place.clientWidth;
    place.classList.toggle("wide", wide);
    image.style.width = wide ? `${least}px` : "";
  }
}
for (const name of ["load", "resize"]) window.addEventListener(name, fitFigures);
