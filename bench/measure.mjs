// Contenders take turns within one run, so that what slows the machine slows them all; what is kept are ratios of the same round.

/** Runs each contender once a round, beginning with another each time; its samples by name. A contender gives its own figure. */
export async function takeTurns(contenders, rounds) {
  const names = Object.keys(contenders);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) await contenders[name](); // warms up, not counted
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + turn) % names.length];
      samples[name].push(await contenders[name]());
    }
  }
  return samples;
}

export async function timed(act) {
  const started = performance.now();
  await act();
  return performance.now() - started;
}

export function quantile(values, share) {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** Median and quartiles. */
export function spread(values) {
  return { median: quantile(values, 0.5), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

export function ratios(above, below) {
  return spread(above.map((value, index) => value / below[index]));
}

/** A ratio as a row of the table; `target` such as "≥ 3". */
export function row({ id, what, guarantee, target, ratio, against, seen = {} }) {
  const [, sign, bound] = /^(≤|≥) ([\d.]+)$/.exec(target ?? "") ?? [];
  const met =
    sign === undefined ? undefined : sign === "≤" ? ratio.median <= Number(bound) : ratio.median >= Number(bound);
  return { id, what, guarantee, target: target ?? "", against, ratio, met, seen };
}

/** Small figures to the place that still says something. */
export function figure(value) {
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function medians(samples, unit) {
  return Object.fromEntries(
    Object.entries(samples).map(([name, values]) => [name, `${figure(spread(values).median)} ${unit}`]),
  );
}
