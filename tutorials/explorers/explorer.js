"use strict";
// What both pages need: sliders, and drawing in SVG.

const Explorer = {
  // Build sliders into `form`; call `changed` with all values at once, and again on each change.
  // `sliders` is a list of [name, label, least, most, value].
  sliders(form, sliders, changed) {
    const values = {};
    for (const [name, label, least, most, value] of sliders) {
      values[name] = value;
      const box = document.createElement("label");
      const shown = document.createElement("output");
      const input = document.createElement("input");
      Object.assign(input, { type: "range", min: least, max: most, value, id: name, name });
      shown.textContent = value;
      input.addEventListener("input", () => {
        values[name] = Number(input.value);
        shown.textContent = input.value;
        changed(values);
      });
      box.append(`${label} `, shown, input);
      form.append(box);
    }
    changed(values);
    return values;
  },

  // Empty a picture and give it a size. On a narrow page it shrinks until its numbers would be hard
  // to read, and scrolls from there on.
  clear(picture, width, height) {
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.style.width = `min(100%, ${1.25 * width}px)`;
    picture.style.minWidth = `${0.75 * width}px`;
    picture.replaceChildren();
  },

  element(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  },

  cell(x, y, side, classes, text) {
    const group = Explorer.element("g", {});
    const box = { x, y, width: side, height: side, class: `cell ${classes}` };
    group.append(Explorer.element("rect", box));
    if (text !== undefined && text !== "") {
      group.append(Explorer.element("text", { x: x + side / 2, y: y + side / 2 }, text));
    }
    return group;
  },
};

// In a chapter, tell the page around how high this one is.
if (window.parent !== window) {
  document.body.classList.add("embedded");
  new ResizeObserver(() => {
    window.parent.postMessage({ explorerHeight: document.body.offsetHeight }, "*");
  }).observe(document.body);
}
