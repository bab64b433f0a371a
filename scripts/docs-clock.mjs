// Preloaded into the program while pages and pictures are made of it: its clock stands still, so what it prints is the same each time.
const now = Number(process.env.DOCS_NOW);
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [now] : args));
  }

  static now() {
    return now;
  }
};
