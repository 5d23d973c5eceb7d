(console as any).assert = (held: any, ...words: any[]): void => {
  if (!held) throw new Error(`assertion failed: ${words.join(" ")}`);
};
