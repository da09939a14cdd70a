// Writes random_data.json.gz, the fixture of charts with data; the same seeds give the same JSON.
//
// node generate_data.mjs [first seed, charts, file]: other charts, elsewhere; for long runs.

import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

import { Unusable } from './oracle.mjs';
import { record } from './oracle_data.mjs';
import { randomDataChart, randomDataEvents } from './random_data_chart.mjs';

const [firstSeed = '1', count = '520', file = new URL('random_data.json.gz', import.meta.url)] = process.argv.slice(2);
const EVENTS = 25;
// Small charts are read when a test fails; large ones say little more.
const MOST_BYTES = 8000;
// A chart that is done at once says little.
const LEAST_ACTIVE = 3;

const left = {};
const charts = [];
const leave = (why) => (left[why] = (left[why] ?? 0) + 1);
for (let seed = Number(firstSeed); charts.length < Number(count); seed++) {
  const chart = randomDataChart(seed);
  try {
    const made = record(`data-${seed}`, chart, randomDataEvents(seed, EVENTS));
    if (JSON.stringify(made.config).length > MOST_BYTES) leave('too large');
    else if (made.steps.filter((step) => step.status === 'active').length < LEAST_ACTIVE) leave('done too soon');
    else charts.push(made);
  } catch (error) {
    // RangeError: history states that lead to each other have no end in XState.
    if (!(error instanceof Unusable) && !(error instanceof RangeError)) {
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
const share = (test) => steps.filter(test).length;
console.log(`${charts.length} charts, ${steps.length} events, ${text.length} bytes, ${packed.length} packed`);
console.log(`taken ${share((s) => s.taken === 1)}, forbidden ${share((s) => s.taken === 2)}`);
for (const quirk of ['moved-without-transition', 'ran-again']) {
  console.log(quirk, share((s) => s.quirks?.includes(quirk)));
}
for (const member of ['context', 'history', 'output']) console.log(member, share((s) => s[member] !== undefined));
console.log('endless', share((s) => s.error));
console.log('charts that are done', charts.filter((chart) => chart.steps.at(-1).status === 'done').length);
console.log('left out:', left);
