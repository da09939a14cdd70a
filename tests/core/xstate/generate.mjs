// Writes the fixtures; the same seeds give the same bytes.
//
//   random.jsonl     random charts and events (the first line holds the alphabet that "can" refers to)
//   known.jsonl      the charts of known_charts.mjs
//   resolved.jsonl   what JSON.stringify(machine) gives for some of both
//   left_out.jsonl   random charts that XState does not start, or leads to a configuration that is none
//
// node generate.mjs [first seed, charts, folder]: other charts, elsewhere; for long runs.

import { writeFileSync } from 'node:fs';

import { known } from './known_charts.mjs';
import { machineOf, record, Unusable } from './oracle.mjs';
import { ALPHABET, randomChart, randomEvents } from './random_chart.mjs';

const [firstSeed = '1', charts = '560', folder = '.'] = process.argv.slice(2);
const CHARTS = Number(charts);
const EVENTS = 25;
const RESOLVED = 80;
const here = (name) => (folder === '.' ? new URL(name, import.meta.url) : `${folder}/${name}`);
const lines = (items) => items.map((item) => JSON.stringify(item) + '\n').join('');

const left = {};
const leftOut = [];
const fixtures = [];
for (let seed = Number(firstSeed); fixtures.length < CHARTS; seed++) {
  try {
    fixtures.push(record(`random-${seed}`, randomChart(seed), randomEvents(seed, EVENTS), ALPHABET));
  } catch (error) {
    if (!(error instanceof Unusable)) throw Object.assign(error, { message: `seed ${seed}: ${error.message}` });
    const why = error.message.replace(/\d+/g, 'n').slice(0, 60);
    left[why] = (left[why] ?? 0) + 1;
    leftOut.push({ name: `random-${seed}`, why: error.message, config: randomChart(seed) });
  }
}
for (const fixture of fixtures) delete fixture.alphabet;
writeFileSync(here('random.jsonl'), JSON.stringify({ alphabet: ALPHABET }) + '\n' + lines(fixtures));

writeFileSync(here('left_out.jsonl'), lines(leftOut));

const wellKnown = known.map(({ name, config, events }) => record(name, config, events));
writeFileSync(here('known.jsonl'), lines(wellKnown));

// JSON.stringify(machine) loses "always" and the target of a history state, so only charts without them are in; it
// throws for an event named like a member of Object.prototype.
const survives = ({ config }) => !/"always"|"toString"/.test(JSON.stringify(config)) && !historyTarget(config);
function historyTarget(node) {
  return (node.target !== undefined && !node.states) || Object.values(node.states ?? {}).some(historyTarget);
}
const whole = [...wellKnown, ...fixtures].filter(survives).slice(0, RESOLVED);
writeFileSync(here('resolved.jsonl'), lines(whole.map(({ name, config }) => ({ name, machine: machineOf(config) }))));

const events = fixtures.flatMap((fixture) => fixture.events);
const count = (test) => events.filter(test).length;
console.log(`${fixtures.length} random charts, ${wellKnown.length} known ones, ${whole.length} resolved`);
console.log(`events: ${events.length}, taken ${count((e) => e.taken === 1)}, forbidden ${count((e) => e.taken === 2)}`);
console.log(`done: ${fixtures.filter((f) => f.events.some((e) => e.status)).length}, endless: ${count((e) => e.error)}`);
console.log('left out:', left);
