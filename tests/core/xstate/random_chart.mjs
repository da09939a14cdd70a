// Random machine configs: everything that a statechart document may hold, from a seed.

// mulberry32: a small generator whose sequence is fixed by its seed on every platform.
export function generator(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return {
    below: (bound) => Math.floor(next() * bound),
    chance: (probability) => next() < probability,
    pick: (list) => list[Math.floor(next() * list.length)],
  };
}

export const ALPHABET = ['A', 'B', 'C', 'D', 'a', 'a.b', 'a.b.c', 'a.x', 'Z'];
const DESCRIPTORS = ['A', 'A', 'B', 'B', 'C', 'C', 'D', 'D', 'a', 'a.b', 'a.b.c', 'a.*', 'a.b.*', '*'];
const MOST_DEPTH = 4;

// "most": from so many states on, those that are added have no children.
export function randomChart(seed, most = 28) {
  const random = generator(seed);
  const explicitIds = random.chance(0.5);
  const withAlways = random.chance(0.3);
  const nodes = [];

  function build(key, parent, depth) {
    const node = { key, parent, depth, children: [], config: {}, path: parent ? [...parent.path, key] : [] };
    nodes.push(node);
    const roll = random.below(100);
    const mayNest = depth < MOST_DEPTH && nodes.length < most;
    if (!parent) node.kind = roll < 65 ? 'compound' : 'parallel';
    else if (!mayNest) node.kind = roll < 80 ? 'atomic' : 'final';
    else if (roll < 40) node.kind = 'atomic';
    else if (roll < 68) node.kind = 'compound';
    else if (roll < 82) node.kind = 'parallel';
    else if (roll < 92) node.kind = 'final';
    else node.kind = 'history';
    if (node.kind === 'compound' || node.kind === 'parallel') {
      const count = 2 + random.below(depth === 0 ? 4 : 2);
      for (let index = 0; index < count; index++) node.children.push(build(`s${index}`, node, depth + 1));
      if (random.chance(depth === 0 ? 0.3 : 0.35)) node.children.push(buildHistory(node));
      if (node.children.every((child) => child.kind === 'history')) node.children.push(buildAtomic('plain', node));
    }
    return node;
  }
  function buildAtomic(key, parent) {
    const node = { key, parent, depth: parent.depth + 1, children: [], config: {}, kind: 'atomic' };
    node.path = [...parent.path, key];
    nodes.push(node);
    return node;
  }
  function buildHistory(parent) {
    const node = buildAtomic('hist', parent);
    node.kind = 'history';
    return node;
  }

  const inside = (node) => node.children.flatMap((child) => [child, ...inside(child)]);
  const real = (list) => list.filter((node) => node.kind !== 'history');
  const root = build('m', null, 0);
  if (random.chance(0.8)) root.id = 'm';
  root.config.id = root.id;
  if (root.id === undefined) delete root.config.id;
  root.id ??= '(machine)';
  let ids = 0;
  for (const node of nodes.slice(1)) {
    if (explicitIds && random.chance(0.3)) node.id = node.config.id = `id${ids++}`;
  }

  const byId = (node) => {
    const rest = [];
    let holder = node;
    while (holder.id === undefined || (holder.parent && rest.length === 0 && random.chance(0.3))) {
      rest.unshift(holder.key);
      holder = holder.parent;
    }
    return '#' + [holder.id, ...rest].join('.');
  };
  const relative = (node, ancestor) => node.path.slice(ancestor.path.length).join('.');

  function name(source, target) {
    const ways = [byId(target)];
    if (source.parent && target !== source.parent && inside(source.parent).includes(target)) {
      ways.push(relative(target, source.parent), relative(target, source.parent));
    }
    if (inside(source).includes(target)) ways.push('.' + relative(target, source));
    return random.pick(ways);
  }

  const actionNames = ['log', 'beep', 'save', 'send'];
  function actions() {
    const count = random.pick([0, 0, 0, 1, 1, 2]);
    const list = Array.from({ length: count }, () => `${random.pick(actionNames)}${random.below(100)}`).map((type) =>
      random.chance(0.2) ? { type, params: { n: random.below(9) } } : type,
    );
    if (count === 0) return undefined;
    return count === 1 && random.chance(0.5) ? list[0] : list;
  }

  function several(source) {
    const parallels = nodes.filter((node) => node.kind === 'parallel' && real(node.children).length > 1);
    if (!parallels.length) return undefined;
    const regions = real(random.pick(parallels).children);
    const skipped = regions.length > 2 ? random.below(regions.length) : -1;
    const chosen = regions.filter((_, index) => index !== skipped);
    // A history state stands for its parent: within one region that is fine, beside another state it is not.
    return chosen.map((region) => name(source, random.pick([region, ...inside(region)])));
  }

  function one(source, automatic) {
    const roll = random.below(100);
    const transition = {};
    if (roll < 8 && !automatic) {
      transition.actions = actions();
    } else if (roll < 20) {
      transition.target = several(source);
    }
    if (transition.target === undefined && !(roll < 8 && !automatic)) {
      const near = source.parent ? inside(source.parent) : inside(source);
      const pool = random.chance(0.55) ? near : nodes;
      const target = random.chance(0.06) ? source : random.pick(pool);
      transition.target = name(source, target);
      if (random.chance(0.1)) transition.target = [transition.target];
    }
    const run = actions();
    if (run !== undefined) transition.actions = run;
    if (random.chance(0.25)) transition.reenter = random.chance(0.8);
    for (const member of Object.keys(transition)) if (transition[member] === undefined) delete transition[member];
    const bare = Object.keys(transition).length === 1 && typeof transition.target === 'string';
    return bare && random.chance(0.6) ? transition.target : transition;
  }

  function transitions(source, automatic = false) {
    if (!automatic && random.chance(0.05)) return random.pick([null, {}, { description: 'not here' }]);
    const first = one(source, automatic);
    if (random.chance(0.85)) return first;
    return random.chance(0.5) ? [first] : [first, one(source, automatic)];
  }

  function fill(node) {
    const { config, kind } = node;
    if (kind === 'history') {
      const depth = random.pick(['shallow', 'deep', 'deep', true, undefined]);
      if (depth !== undefined) config.history = depth;
      if (depth === undefined || random.chance(0.5)) config.type = 'history';
      const within = real(inside(node.parent));
      if (random.chance(0.4)) {
        const target = random.pick(within);
        config.target = random.chance(0.7) ? relative(target, node.parent) : byId(target);
      }
      return;
    }
    if (kind === 'parallel' || kind === 'final' || random.chance(0.05)) config.type = kind;
    if (random.chance(0.35)) config.entry = actions() ?? `enter-${node.path.join('-')}`;
    if (random.chance(0.35)) config.exit = actions() ?? `exit-${node.path.join('-')}`;
    if (random.chance(0.05)) config.tags = random.pick(['busy', ['busy', 'late']]);
    if (random.chance(0.05)) config.meta = { note: 'é — “x”' };
    if (kind === 'compound') {
      const candidates = node.children.filter((child) => child.kind !== 'history' || child.config.target);
      const finals = candidates.filter((child) => child.kind !== 'final');
      const child = random.pick(finals.length ? finals : candidates);
      config.initial = random.chance(0.8) ? child.key : { target: child.key, actions: `initial-${child.key}` };
    }
    if ((kind === 'compound' || kind === 'parallel') && random.chance(0.6)) config.onDone = transitions(node);
    const handles = kind === 'final' ? (random.chance(0.15) ? 1 : 0) : node.parent ? random.below(4) : 1 + random.below(4);
    for (let index = 0; index < handles; index++) {
      config.on ??= {};
      config.on[random.pick(DESCRIPTORS)] = transitions(node);
    }
    if (withAlways && node.parent && random.chance(0.12)) config.always = transitions(node, true);
  }

  for (const node of [...nodes].reverse()) fill(node);
  for (const node of nodes) {
    if (config(node).onDone === null) delete config(node).onDone;
    if (node.children.length) config(node).states = Object.fromEntries(node.children.map((c) => [c.key, c.config]));
  }
  return root.config;

  function config(node) {
    return node.config;
  }
}

export function randomEvents(seed, count) {
  const random = generator(seed ^ 0x5eed);
  return Array.from({ length: count }, () => random.pick(ALPHABET));
}
