// Random charts with time and tasks: charts with data (random_data_chart.mjs) that are given "after", "invoke", delayed
// events and their cancellation.
//
// A chart has besides: "delays", the root's, by name: how each is written and what it means; "texts", the delays that
// say for themselves how long, which to XState are names like others; "sources", the names of the tasks.

import { choice, less, literal } from './expressions.mjs';
import { ALPHABET } from './random_chart.mjs';
import { ANY, PLAIN, randomDataChart } from './random_data_chart.mjs';

// What a task's reports hold, by its name.
export const SOURCES = {
  fetch: { output: 'int', error: 'str' },
  'charge.card': { output: 'str', error: 'any' },
  'send mail': { output: 'any', error: 'str' },
  rest: {},
};
const TEXTS = { '500ms': 500, '1.5s': 1500, PT2M: 120_000, 'PT0.5S': 500, '1h': 3_600_000 };
const NUMBERS = ['0', '1', '20', '300', '1000', '1e3', '2500.5', '86400000', '2592000000'];
const IDS = ['later', 't 1'];

export function randomTimedChart(seed) {
  return randomDataChart(seed, timed);
}

// The data of a report, in the member "output" or "error", where it has some.
export function randomResult(random, source, member) {
  const type = SOURCES[source][member];
  if (type === undefined || random.chance(0.15)) return {};
  if (type === 'any') return { [member]: random.pick([{ ok: true, n: 1 }, null, [1, 'é'], false]) };
  return { [member]: PLAIN[type](random) };
}

function timed({ random, expressions, context, candidates, raised }) {
  const unknown = { context, must: {}, may: ANY };
  let tasks = 0;
  const shared = new Map();

  function milliseconds(env) {
    const number = expressions.bounded('int', env, 1);
    return choice(less(number, literal(0)), literal(7), number);
  }

  const delays = {};
  for (const name of ['soon', 'by plan', 'a.b', 'retry'].slice(0, 1 + random.below(4))) {
    const text = random.pick(Object.keys(TEXTS));
    const number = random.below(5000);
    const worked = milliseconds(unknown);
    const [written, meant] = random.pick([[number, number], [text, TEXTS[text]], [worked, worked], [worked, worked]]);
    delays[name] = { written: random.chance(0.5) ? { duration: written } : written, meant };
  }

  function delay(env) {
    const name = random.pick([...Object.keys(delays), ...Object.keys(TEXTS)]);
    return random.pick([random.below(3000), name, name, milliseconds(env)]);
  }

  // A list of names alone is left out: XState takes none of them in "after", where it does in "on".
  function answers(targets, env) {
    const target = random.pick(targets);
    return typeof target === 'string' && random.chance(0.3) ? target : candidates({ target }, targets, env, true);
  }

  function afters(targets) {
    const found = {};
    for (let count = random.pick([1, 1, 2, 3]); count > 0; count--) {
      const texts = [random.pick(NUMBERS), random.pick(NUMBERS), random.pick(Object.keys(TEXTS))];
      const key = random.pick([...texts, random.pick(Object.keys(delays))]);
      found[key] = answers(targets, { context, must: {}, may: {} });
    }
    return found;
  }

  // Only states of which one alone is active have tasks with the same id.
  function identity(parent, index) {
    if (index === 0 && parent !== undefined && parent.type !== 'parallel' && random.chance(0.2)) {
      if (!shared.has(parent)) shared.set(parent, `same${tasks++}`);
      return shared.get(parent);
    }
    return random.chance(0.5) ? `${random.pick(['job', 'pay ', 'a.b'])}${tasks++}` : undefined;
  }

  function task(targets, parent, index) {
    const src = random.pick(Object.keys(SOURCES));
    const made = { src };
    const id = identity(parent, index);
    if (id !== undefined) made.id = id;
    if (random.chance(0.5)) {
      const object = { n: expressions.int(unknown, 1), of: { s: expressions.str(unknown, 1) } };
      made.input = random.pick([{ fixed: [1, null] }, object, expressions.int(unknown, 1)]);
    }
    for (const [member, result, often] of [['onDone', 'output', 0.8], ['onError', 'error', 0.6]]) {
      if (!random.chance(often)) continue;
      const type = SOURCES[src][result];
      const may = type === undefined || type === 'any' ? {} : { [result]: type };
      made[member] = answers(targets, { context, must: {}, may, result });
    }
    return made;
  }

  return {
    members(node, { made, isFinal, targets, key, parent }) {
      const near = parent ? Object.keys(parent.states) : Object.keys(node.states).map((child) => `.${child}`);
      const possible = [...targets, ...near];
      const often = isFinal ? 0.05 : parent ? 0.45 : 0.2;
      const found = {};
      if (random.chance(often)) found.after = afters(possible);
      if (random.chance(often)) {
        const length = random.pick([1, 1, 1, 2, 3]);
        const several = Array.from({ length }, (_, index) => task(possible, parent, index));
        found.invoke = several.length === 1 && random.chance(0.7) ? several[0] : several;
      }
      if (parent && (found.after || found.invoke) && random.chance(0.4)) {
        found.on = { ...made.on, [random.pick(ALPHABET)]: { target: key, reenter: true } };
      }
      return found;
    },

    action(env) {
      if (random.chance(0.4)) {
        const [one, other] = IDS.map(literal);
        const id = random.chance(0.7) ? random.pick(IDS) : choice(expressions.bool(env, 1), one, other);
        return { kind: 'cancel', id };
      }
      const made = { ...raised(env, random.pick(['A', 'B', 'R1', 'R2'])), delay: delay(env) };
      return random.chance(0.7) ? { ...made, id: random.pick(IDS) } : made;
    },

    rest: { delays, texts: TEXTS, sources: Object.keys(SOURCES) },
  };
}
