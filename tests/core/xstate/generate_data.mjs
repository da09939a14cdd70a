// Writes random_data.json.gz, the fixture of charts with data; the same seeds give the same JSON.
//
// node generate_data.mjs [first seed, charts, file]: other charts, elsewhere; for long runs.

import { collect } from './collect.mjs';
import { record } from './oracle_data.mjs';
import { randomDataChart, randomDataEvents } from './random_data_chart.mjs';

const [firstSeed = '1', count = '520', file = new URL('random_data.json.gz', import.meta.url)] = process.argv.slice(2);
const EVENTS = 25;
// Small charts are read when a test fails; large ones say little more.
const MOST_BYTES = 8000;
// A chart that is done at once says little.
const LEAST_ACTIVE = 3;

collect({
  firstSeed,
  count,
  file,
  record: (seed) => record(`data-${seed}`, randomDataChart(seed), randomDataEvents(seed, EVENTS)),
  leftOut({ config, steps }) {
    if (JSON.stringify(config).length > MOST_BYTES) return 'too large';
    return steps.filter((step) => step.status === 'active').length < LEAST_ACTIVE && 'done too soon';
  },
});
