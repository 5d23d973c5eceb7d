console.assert = (held, ...words) => {
  if (!held) throw new Error(`assertion failed: ${words.join(" ")}`);
};
const overproof_plain = (value) =>
  value === 0 ? 0 : Array.isArray(value) ? value.map(overproof_plain) : value;
const overproof_lodash = {
  isEqual: (one, other) =>
    require("node:util").isDeepStrictEqual(overproof_plain(one), overproof_plain(other)),
};
