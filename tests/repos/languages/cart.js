import React, { useState as useLocal, useMemo } from "react";
import * as api from "./api.js";
import "./side-effect.css";
const path = require("node:path");
const { join, resolve: absolute } = require("path");
export { total } from "./total";
export * from "./shapes";

/** The largest number of lines in a cart. */
export const MAX_LINES = 50;

/**
 * Adds an item.
 * @param {Item} item
 */
export function add(cart, item = {}) {
  return [...cart, item];
}

export const remove = async (cart, id) => cart.filter((line) => line.id !== id);

export default class Cart extends Store {
  #lines = [];
  static empty() {
    return new Cart();
  }

  // Number of lines.
  get size() {
    return this.#lines.length;
  }

  onChange = (event) => {
    this.notify(event);
  };
}

function* ids() {
  yield nextId();
}

const handlers = {
  click(event) {
    track(event);
  },
};
module.exports = { add };
