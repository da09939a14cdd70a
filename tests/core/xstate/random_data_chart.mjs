// Random charts with data: a random chart (random_chart.mjs) that is given a context, guards, assigns, raised events,
// outputs. What stands for behaviour is abstract: expressions (expressions.mjs), guards and actions with a "kind".
// data_machine.mjs writes it once as our document and once as a machine of XState.
//
//   guards    {kind: 'expr', expr, inside?: {path, value, and}}, {kind: 'name', name, params?},
//             {kind: 'and' | 'or', guards}, {kind: 'not', guard}, {kind: 'stateIn', value}
//   actions   a name, {type, params}, {kind: 'assign', context}, {kind: 'raise' | 'emit', event}, {kind: 'log', args},
//             {kind: 'named', name, params}; with time also 'raise' with delay and id, {kind: 'cancel', id}

import { Expressions, choice, equal, less, literal, plus, read, rest, safely, size } from './expressions.mjs';
import { ALPHABET, generator, randomChart } from './random_chart.mjs';

export const ANY = { n: 'int', s: 'str', l: 'list', b: 'bool' };
const MEMBERS = {
  A: { must: { n: 'int' }, may: { s: 'str' } },
  B: { must: { s: 'str' }, may: { n: 'int', l: 'list' } },
  C: { must: { l: 'list' }, may: { b: 'bool', n: 'int' } },
  R1: { must: { n: 'int' }, may: {} },
  R2: { must: { s: 'str' }, may: { l: 'list' } },
};
export const PLAIN = {
  int: (random) => random.below(12) - 2,
  str: (random) => random.pick(['', 'a', 'ab', 'b', 'é', 'x y']),
  bool: (random) => random.chance(0.5),
  list: (random) => Array.from({ length: random.below(4) }, () => random.below(9)),
};
const CLIENT = ['isVip', 'isOpen'];
const OUTPUTS = ['int', 'str', 'map'];

// "extended", as random_timed_chart.mjs has it, is given what it needs to make more members of states and more actions.
export function randomDataChart(seed, extended = undefined) {
  const random = generator(seed ^ 0xda7a);
  const base = randomChart(seed, 3 + random.below(10));
  const expressions = new Expressions(random);
  const many = (count, make) => Array.from({ length: count }, (_, index) => make(index));
  const asList = (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

  const context = { n: 'int' };
  for (const [name, type] of Object.entries({ m: 'int', s: 'str', l: 'list', b: 'bool', o: 'int?', w: 'str?' })) {
    if (random.chance(0.6)) context[name] = type;
  }
  if (random.chance(0.4)) Object.assign(context, { 'r.n': 'int', 'r.s': 'str' });
  if (random.chance(0.6)) context.out = 'any?';
  const output = random.pick(OUTPUTS);
  const counters = [];
  const withClient = random.chance(0.5);

  const depthOf = () => random.pick([0, 1, 1, 2]);

  const states = [];
  (function collect(node, path) {
    states.push({ node, path });
    for (const [key, child] of Object.entries(node.states ?? {})) {
      if (child.type !== 'history' && child.history === undefined) collect(child, [...path, key]);
    }
  })(base, []);
  const inner = states.slice(1);

  const seen = (event, params) => ({ context, params, ...(MEMBERS[event] ?? { must: {}, may: ANY }) });
  const done = { context, must: {}, may: output === 'map' ? {} : { output }, result: 'output' };

  // Named guards and actions: what they mean stands at the root, for some with params.
  const meanings = {};
  for (const name of ['covers', 'is enough', 'late'].slice(0, random.below(4))) {
    const params = random.chance(0.6) ? { k: 'int' } : undefined;
    meanings[name] = { params, expr: expressions.bool(seen('', params), 2) };
  }
  const actions = {};
  for (const name of ['bump', 'keep'].slice(0, random.below(3))) {
    const params = random.chance(0.6) ? { k: 'int' } : undefined;
    actions[name] = { params, action: assign(seen('', params)) };
  }

  function paramsFor(types, env) {
    if (!types) return undefined;
    return { k: random.chance(0.5) ? random.below(9) : expressions.int(env, 1) };
  }

  function stateIn() {
    const { node, path } = random.pick(inner);
    const value = path.slice(0, -1).reduceRight((held, key) => ({ [key]: held }), path.at(-1));
    return { path: path.join('.'), value, id: node.id };
  }

  function guard(env, depth = 2, mayAskClient = true) {
    const roll = random.below(20);
    if (depth > 0 && roll < 4) {
      const kind = random.pick(['and', 'or']);
      return { kind, guards: many(1 + random.below(3), () => guard(env, depth - 1, mayAskClient)) };
    }
    if (depth > 0 && roll < 6) return { kind: 'not', guard: guard(env, depth - 1, mayAskClient) };
    if (roll < 8) {
      const { value, id } = stateIn();
      return { kind: 'stateIn', value: id !== undefined && random.chance(0.5) ? `#${id}` : value };
    }
    const names = Object.keys(meanings);
    if (roll < 11 && names.length) {
      const name = random.pick(names);
      return { kind: 'name', name, params: paramsFor(meanings[name].params, env) };
    }
    if (roll < 13 && withClient && mayAskClient) {
      const params = random.chance(0.2) ? { k: expressions.int(env, 1) } : undefined;
      return { kind: 'name', name: random.pick(CLIENT), params };
    }
    const expr = expressions.bool(env, depthOf());
    if (roll === 13) return { kind: 'expr', expr, inside: { ...stateIn(), and: random.chance(0.5) } };
    return { kind: 'expr', expr };
  }

  function assign(env) {
    const changed = {};
    const free = Object.keys(context).filter((name) => !name.startsWith('c'));
    for (let count = 1 + random.below(2); count > 0; count--) {
      const [name] = random.pick(free).split('.');
      const type = name === 'r' ? 'r' : context[name].replace('?', '');
      if (name === 'r') {
        changed.r = { n: expressions.bounded('int', env, 1), s: expressions.bounded('str', env, 0) };
      } else if (type === 'any') {
        const made = () => ({ v: [expressions.int(env, 1), true], t: read('event.type') });
        changed.out = env.result ? safely(`event.${env.result}`, literal(null)) : made();
      } else {
        changed[name] = random.chance(0.1) ? PLAIN[type](random) : expressions.bounded(type, env, depthOf());
      }
    }
    return { kind: 'assign', context: changed };
  }

  // A change that is seen when it is made twice: it adds to what is there.
  function accumulate() {
    if (context.l && random.chance(0.4)) {
      const more = plus(read('context.l'), expressions.items(seen(''), 0));
      return { kind: 'assign', context: { l: choice(less(literal(8), size(read('context.l'))), literal([]), more) } };
    }
    const more = plus(read('context.n'), context.m ? read('context.m') : literal(1 + random.below(3)));
    return { kind: 'assign', context: { n: rest(more, 9973) } };
  }

  function raised(env, event) {
    const { must, may } = MEMBERS[event];
    const members = { ...must };
    for (const [name, type] of Object.entries(may)) if (random.chance(0.3)) members[name] = type;
    const made = Object.entries(members).map(([name, type]) => [name, expressions.bounded(type, env, 1)]);
    return { kind: 'raise', event: { type: event, ...Object.fromEntries(made) } };
  }

  function action(env, mayRaise) {
    if (more && random.chance(0.15)) return more.action(env);
    const roll = random.below(20);
    const names = Object.keys(actions);
    if (roll < 7) return assign(env);
    if (roll < 11) return accumulate();
    if (roll < 13 && mayRaise) return raised(env, random.pick(['R1', 'R1', 'R2', 'R2', 'A']));
    if (roll < 15 && names.length) {
      const name = random.pick(names);
      return { kind: 'named', name, params: paramsFor(actions[name].params, env) };
    }
    if (roll === 15) return { kind: 'emit', event: { type: 'note', n: expressions.int(env, 1) } };
    if (roll === 16) {
      const any = () => expressions.of(random.pick(['int', 'str', 'list', 'bool']), env, 1);
      return { kind: 'log', args: many(1 + random.below(2), any) };
    }
    const params = { n: expressions.int(env, 1), at: { text: expressions.str(env, 1), fixed: [1, null, 'x'] } };
    const out = { out: safely('context.out', literal(null)) };
    return { type: 'tell', params: random.chance(0.3) && context.out ? out : params };
  }

  function list(given, env, mayRaise, often) {
    const all = asList(given).filter(() => random.chance(0.6));
    const count = random.chance(often) ? 1 + random.below(3) : 0;
    for (let index = 0; index < count; index++) all.splice(random.below(all.length + 1), 0, action(env, mayRaise));
    if (all.length === 0) return undefined;
    return all.length === 1 && random.chance(0.3) ? all[0] : all;
  }

  function transition(target, given, env, mayRaise) {
    const made = {};
    if (target !== undefined) made.target = target;
    const run = list(given.actions, env, mayRaise, 0.5);
    if (run !== undefined) made.actions = run;
    if (random.chance(0.12)) made.context = assign(env).context;
    if (given.reenter !== undefined) made.reenter = given.reenter;
    return made;
  }

  function candidates(given, targets, env, mayRaise) {
    if (given === null || (asList(given).length === 1 && Object.keys(asList(given)[0]).length === 0)) {
      return random.chance(0.5) ? given : [{ guard: guard(env) }, transition(random.pick(targets), {}, env, mayRaise)];
    }
    const first = asList(given).map((one) => (typeof one === 'string' ? { target: one } : one));
    if (random.chance(0.25)) return first.map((one) => transition(one.target, one, env, mayRaise));
    const all = [];
    for (let count = random.pick([1, 1, 1, 2, 2, 3]); count > 0; count--) {
      const one = random.pick(first);
      const target = random.chance(0.25) ? undefined : random.chance(0.5) ? one.target : random.pick(targets);
      all.push({ guard: guard(env), ...transition(target, one, env, mayRaise) });
    }
    if (random.chance(0.4)) all.push(transition(first[0].target, first[0], env, mayRaise));
    return all.length === 1 && random.chance(0.5) ? all[0] : all;
  }

  const targetsOf = (node) =>
    [...Object.values(node.on ?? {}), node.onDone]
      .flatMap(asList)
      .map((one) => (typeof one === 'string' ? one : one?.target))
      .filter((target) => target !== undefined);

  function counter(target) {
    const name = `c${counters.length}`;
    counters.push(name);
    context[name] = 'int';
    const held = read(`context.${name}`);
    const made = { guard: { kind: 'expr', expr: less(held, literal(1 + random.below(3))) } };
    if (target !== undefined) made.target = target;
    made.actions = [{ kind: 'assign', context: { [name]: plus(held, literal(1)) } }, accumulate()];
    if (random.chance(0.5)) made.actions.push(random.pick(['count', 'tick']));
    return { name, made };
  }

  // Guards whose truth changes from step to step, for what is asked at each; of any two at most one holds.
  const changing =
    withClient && random.chance(0.5)
      ? [{ kind: 'name', name: CLIENT[0] }, { kind: 'not', guard: { kind: 'name', name: CLIENT[0] } }]
      : ['A', 'B', 'D', 'Z', 'a'].map((type) => ({ kind: 'expr', expr: equal(read('event.type'), literal(type)) }));
  function sometimes(env) {
    const one = changing.shift() ?? guard(env, 1);
    return random.chance(0.2) ? { kind: 'and', guards: [guard(env, 0), one] } : one;
  }

  function always(node, targets, env) {
    const made = [];
    const reset = [];
    for (const one of asList(node.always)) {
      const { target, ...others } = typeof one === 'string' ? { target: one } : one;
      if (random.chance(0.2)) {
        made.push({ guard: sometimes(env), ...transition(target, others, env, false) });
        continue;
      }
      const counted = counter(target);
      made.push(counted.made);
    }
    if (changing.length && random.chance(0.25) && !asList(node.always).length && targets[0] !== undefined) {
      made.push({ guard: sometimes(env), ...transition(random.pick(targets), {}, env, false) });
    }
    if (random.chance(0.1)) {
      const counted = counter();
      made.unshift(counted.made);
      if (random.chance(0.6)) reset.push({ kind: 'assign', context: { [counted.name]: 0 } });
    } else if (random.chance(0.02)) {
      made.push({ guard: guard({ ...env, may: {} }, 1, false), actions: ['again'] });
    }
    return [made, reset];
  }

  function fill(node, key, parent) {
    if (node.type === 'history' || node.history !== undefined) return { ...node };
    const made = { ...node };
    const targets = targetsOf(node);
    if (!targets.length) targets.push(undefined);
    const isFinal = node.type === 'final';
    const env = seen('');
    const atRoot = node === base;
    const [automatic, reset] = isFinal || atRoot ? [[], []] : always(node, targets, env);
    if (automatic.length) made.always = automatic.length === 1 && random.chance(0.5) ? automatic[0] : automatic;
    else delete made.always;
    for (const member of ['entry', 'exit']) {
      const run = list(node[member], env, random.chance(0.3), 0.35);
      if (run === undefined) delete made[member];
      else made[member] = run;
    }
    if (reset.length) made.entry = [...reset, ...asList(made.entry)];
    if (typeof node.initial === 'object') {
      made.initial = { ...node.initial, actions: list(node.initial.actions, env, false, 0.7) ?? [] };
    }
    if (node.onDone !== undefined) made.onDone = candidates(node.onDone, targets, done, true);
    const on = {};
    for (const [event, given] of Object.entries(node.on ?? {})) {
      on[event] = candidates(given, targets, seen(event), !event.startsWith('R'));
    }
    for (const event of ['R1', 'R2']) {
      if (isFinal || !random.chance(atRoot ? 0.6 : 0.15)) continue;
      on[event] = candidates({ target: random.pick(targets) }, targets, seen(event), false);
    }
    if (Object.keys(on).length) made.on = on;
    if (more) Object.assign(made, more.members(node, { made, isFinal, targets, key, parent }));
    if ((isFinal && random.chance(0.8)) || (atRoot && random.chance(0.8))) {
      const inner = safely('event.output', literal(null));
      if (output === 'map') made.output = { n: expressions.int(env, 1), out: inner, is: [read('event.type')] };
      else made.output = expressions.bounded(output, atRoot ? done : env);
    }
    if (node.states) {
      const filled = Object.entries(node.states).map(([inside, child]) => [inside, fill(child, inside, node)]);
      made.states = Object.fromEntries(filled);
    }
    return made;
  }

  const more = extended?.({ random, expressions, context, candidates, raised });
  const config = fill(base);
  const input = random.chance(0.4) ? { n: random.below(50), s: PLAIN.str(random), l: PLAIN.list(random) } : undefined;
  const given = {};
  for (const [name, type] of Object.entries(context)) {
    if (type.endsWith('?') || name.startsWith('r.')) continue;
    const fromInput = input && input[type[0]] !== undefined && !name.startsWith('c') && random.chance(0.6);
    if (fromInput) given[name] = read(`input.${type[0] === 'i' ? 'n' : type[0]}`);
    else given[name] = name.startsWith('c') ? 0 : PLAIN[type](random);
  }
  if (input) given.n = plus(read('input.n'), literal(random.below(5)));
  if (context['r.n']) given.r = { n: input ? plus(read('input.n'), literal(1)) : 4, s: 'x' };
  return { config: { ...config, context: given }, meanings, actions, input, client: CLIENT, ...more?.rest };
}

// Events with their data, and what the client says of its guards; the first guards are those of the start.
export function randomDataEvents(seed, count) {
  const random = generator(seed ^ 0x5eeda7a);
  const truth = () => Object.fromEntries(CLIENT.map((name) => [name, random.chance(0.5)]));
  const event = () => {
    const roll = random.below(40);
    const type = roll === 0 ? 'R1' : roll === 1 ? 'never' : random.pick(ALPHABET);
    const { must, may } = MEMBERS[type] ?? { must: {}, may: ANY };
    const made = { type };
    for (const [name, its] of Object.entries(must)) made[name] = PLAIN[its](random);
    for (const [name, its] of Object.entries(may)) if (random.chance(0.35)) made[name] = PLAIN[its](random);
    return made;
  };
  return { start: truth(), steps: Array.from({ length: count }, () => ({ event: event(), guards: truth() })) };
}
