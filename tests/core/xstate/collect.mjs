// Records one chart for each seed until there are as many as are wanted, and writes them to a file.

import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

import { isEndless, Unusable } from './oracle.mjs';

// record(seed) makes a chart's fixture. leftOut(fixture) says why it is not wanted, if it is not.
export function collect({ firstSeed, count, file, record, leftOut }) {
  const left = {};
  const charts = [];
  const leave = (why) => (left[why] = (left[why] ?? 0) + 1);
  for (let seed = Number(firstSeed); charts.length < Number(count); seed++) {
    try {
      const made = record(seed);
      const why = leftOut(made);
      if (why) leave(why);
      else charts.push(made);
    } catch (error) {
      // RangeError: history states that lead to each other have no end in XState.
      if (!(error instanceof Unusable) && !isEndless(error) && !(error instanceof RangeError)) {
        throw Object.assign(error, { message: `seed ${seed}: ${error.message}` });
      }
      leave(error.message.replace(/\d+/g, 'n').slice(0, 60));
    }
  }
  const { version } = JSON.parse(readFileSync(new URL('node_modules/xstate/package.json', import.meta.url), 'utf8'));
  const text = JSON.stringify({ xstate: version, charts });
  const packed = gzipSync(text, { level: 9 });
  writeFileSync(file, packed);
  const steps = charts.flatMap((chart) => chart.steps);
  console.log(`${charts.length} charts, ${steps.length} events, ${text.length} bytes, ${packed.length} packed`);
  const share = (test) => `${steps.filter(test).length}`;
  console.log(`taken ${share((s) => s.taken === 1)}, forbidden ${share((s) => s.taken === 2)}`);
  for (const quirk of new Set(steps.flatMap((s) => s.quirks ?? []))) {
    console.log(quirk, share((s) => s.quirks?.includes(quirk)));
  }
  for (const member of ['context', 'history', 'output']) console.log(member, share((s) => s[member] !== undefined));
  for (const status of ['done', 'error']) {
    console.log(status, charts.filter((chart) => chart.steps.at(-1).status === status).length);
  }
  console.log('left out:', left);
  return steps;
}
