"use strict";
// The arithmetic of windows along one axis, as minis/ops/windows.py has it. Pure functions: the pages
// draw what these say, and the tests compare them with the library.

const Arithmetic = {
  // cells that a dilated window reaches over
  reach({ kernel, dilation }) {
    return dilation * (kernel - 1) + 1;
  },

  // places of a window, or 0 if it doesn't fit once
  convolutionSize(o) {
    const free = o.size + 2 * o.padding - Arithmetic.reach(o);
    return free < 0 ? 0 : Math.floor(free / o.stride) + 1;
  },

  // cells of a transposed convolution's output
  transposedSize(o) {
    const stamped = (o.size - 1) * o.stride + Arithmetic.reach(o);
    return Math.max(0, stamped - 2 * o.padding + o.outputPadding);
  },

  // cells of the input that an output reads, in the order of the filter's taps; those below 0 or
  // from `size` on lie in the padding
  reads(place, o) {
    return Array.from(
      { length: o.kernel },
      (_, tap) => place * o.stride - o.padding + tap * o.dilation,
    );
  },

  // [input cell, tap] of all that is added for an output of a transposed convolution
  stampedBy(place, o) {
    const found = [];
    for (let cell = 0; cell < o.size; cell++) {
      for (let tap = 0; tap < o.kernel; tap++) {
        if (cell * o.stride + tap * o.dilation - o.padding === place) found.push([cell, tap]);
      }
    }
    return found;
  },

  // how many stamps fall on each output of a transposed convolution
  overlaps(o) {
    return Array.from(
      { length: Arithmetic.transposedSize(o) },
      (_, place) => Arithmetic.stampedBy(place, o).length,
    );
  },

  // sizes that a convolution with these settings maps to `size`, the smallest first
  sizesBefore(o) {
    const sizes = [];
    for (let size = 1; size <= (o.size + 2) * o.stride + Arithmetic.reach(o); size++) {
      if (Arithmetic.convolutionSize({ ...o, size }) === o.size) sizes.push(size);
    }
    return sizes;
  },
};

if (typeof module !== "undefined") module.exports = Arithmetic;
