// Writes random_timed.json.gz, the fixture of charts with time and tasks; the same seeds give the same JSON.
//
// node generate_timed.mjs [first seed, charts, file]: other charts, elsewhere; for long runs.

import { collect } from './collect.mjs';
import { recordTimed } from './oracle_timed.mjs';
import { randomTimedChart } from './random_timed_chart.mjs';

const [firstSeed = '1', count = '320', file = new URL('random_timed.json.gz', import.meta.url)] = process.argv.slice(2);
const EVENTS = 25;
const MOST_BYTES = 7000;
// How many events a machine is to live, and how many of them are to be deadlines and reports.
const LEAST_ACTIVE = 5;
const LEAST_WAITED = 3;

const isReport = ({ event }) => /^xstate\.(done|error)\.actor\./.test(event.type);

const steps = collect({
  firstSeed,
  count,
  file,
  record: (seed) => recordTimed(`timed-${seed}`, randomTimedChart(seed), seed, EVENTS),
  leftOut({ config, steps }) {
    if (JSON.stringify(config).length > MOST_BYTES) return 'too large';
    if (steps.filter((step) => step.status === 'active').length < LEAST_ACTIVE) return 'done too soon';
    return steps.filter((step) => step.fires !== undefined || isReport(step)).length < LEAST_WAITED && 'waits little';
  },
});
const share = (test) => `${steps.filter(test).length}`;
console.log('fired', share((s) => s.fires !== undefined), 'reported', share((s) => isReport(s) && !s.late));
console.log('late', share((s) => s.late));
