// Indices and a palette, as they come for a preview.
import { aside } from "./aside.js";
import { rgbOf, toOklab } from "./oklab.js";

export class Drawing {
  // Shares of the whole picture, if known; else those of the drawing, once it is painted.
  constructor(indices, width, height, palette, shares = null) {
    Object.assign(this, { indices, width, height, palette, shares });
  }

  async bitmap() {
    const bitmap = await aside("paint", { ...this });
    this.shares ??= bitmap.shares;
    return bitmap;
  }

  mask(chosen) {
    return aside("mask", { ...this, chosen });
  }

  // The entry that looks most like a color.
  nearest(hex) {
    const lab = (text) => toOklab(...rgbOf(text));
    const wanted = lab(hex);
    const far = this.palette.map((one) => lab(one).reduce((sum, v, i) => sum + (v - wanted[i]) ** 2, 0));
    return this.palette[far.indexOf(Math.min(...far))];
  }

  // The color at a place of the picture, whose sides are 1.
  at(x, y) {
    const column = Math.min(this.width - 1, Math.floor(x * this.width));
    const row = Math.min(this.height - 1, Math.floor(y * this.height));
    return this.palette[this.indices[row * this.width + column]];
  }
}
