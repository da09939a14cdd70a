// Random expressions: each is one tree, written as CEL text and as a JavaScript function, which are to agree.
//
// Both languages agree on whole numbers well below 2^53. What would not is left out (division, sorting of strings), or
// made to agree: -0 becomes 0, and a member that may be missing is asked for with has() before it is read.

export class Expr {
  constructor(cel, js) {
    this.cel = cel;
    this.js = js;
  }
}

const whole = (value) => value + 0;

// Work out a template: JSON in which expressions may stand anywhere.
export function evaluate(template, scope) {
  if (template instanceof Expr) return template.js(scope);
  if (Array.isArray(template)) return template.map((item) => evaluate(item, scope));
  if (template === null || typeof template !== 'object') return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, evaluate(value, scope)]));
}

export function hasExpressions(template) {
  if (template instanceof Expr) return true;
  return template !== null && typeof template === 'object' && Object.values(template).some(hasExpressions);
}

export const literal = (value) =>
  new Expr(typeof value === 'number' && value < 0 ? `(${value})` : JSON.stringify(value), () => value);
export const read = (cel) => {
  const names = cel.split('.');
  return new Expr(cel, (scope) => names.reduce((value, name) => value[name], scope));
};
export const has = (cel) => {
  const names = cel.split('.');
  return new Expr(`has(${cel})`, (scope) => names.reduce((value, name) => value[name], scope) !== undefined);
};
export const choice = (test, yes, no) =>
  new Expr(`(${test.cel} ? ${yes.cel} : ${no.cel})`, (scope) => (test.js(scope) ? yes.js(scope) : no.js(scope)));
const binary = (left, operator, right, js) =>
  new Expr(`(${left.cel} ${operator} ${right.cel})`, (scope) => js(left.js(scope), right.js(scope)));
export const plus = (left, right) => binary(left, '+', right, (a, b) => (Array.isArray(a) ? [...a, ...b] : a + b));
export const rest = (left, number) => binary(left, '%', literal(number), (a, b) => whole(a % b));
export const less = (left, right) => binary(left, '<', right, (a, b) => a < b);
export const size = (value) => new Expr(`size(${value.cel})`, (scope) => value.js(scope).length);
export const safely = (cel, otherwise) => choice(has(cel), read(cel), otherwise);

// Members of maps are compared without their order, as CEL does.
function same(left, right) {
  if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object') return left === right;
  const keys = Object.keys(left);
  return (
    Array.isArray(left) === Array.isArray(right) &&
    keys.length === Object.keys(right).length &&
    keys.every((key) => key in right && same(left[key], right[key]))
  );
}
export const equal = (left, right) => binary(left, '==', right, same);

const COMPARISONS = [
  ['<', (a, b) => a < b],
  ['<=', (a, b) => a <= b],
  ['>', (a, b) => a > b],
  ['>=', (a, b) => a >= b],
  ['==', (a, b) => a === b],
  ['!=', (a, b) => a !== b],
];
const ARITHMETIC = [
  ['+', (a, b) => a + b],
  ['-', (a, b) => a - b],
];
const LOOPS = [
  ['exists', (list, test) => list.some(test)],
  ['all', (list, test) => list.every(test)],
  ['exists_one', (list, test) => list.filter(test).length === 1],
];

// What an expression may read: names of the context by their type, members of the event that are there (must) or may
// be missing (may), members of params.
//
//   { context: {n: 'int', s: 'str', …}, must: {…}, may: {…}, params: {…} }
//
// A type with ? is of a member that may be missing.
export class Expressions {
  constructor(random) {
    this.random = random;
  }

  of(type, env, depth = 2) {
    return this[type](env, depth);
  }

  reads(type, env) {
    const found = [];
    for (const [root, members] of [
      ['context', env.context],
      ['event', env.must],
      ['params', env.params],
    ]) {
      for (const [name, its] of Object.entries(members ?? {})) {
        if (its === type) found.push(read(`${root}.${name}`));
        if (its === `${type}?`) found.push(safely(`${root}.${name}`, this.plain(type)));
      }
    }
    for (const [name, its] of Object.entries(env.may ?? {})) {
      if (its === type) found.push(safely(`event.${name}`, this.plain(type)));
    }
    return found;
  }

  plain(type) {
    const { random } = this;
    if (type === 'int') return literal(random.below(12) - 2);
    if (type === 'str') return literal(random.pick(['', 'a', 'b', 'ab', 'é', 'x y']));
    if (type === 'bool') return literal(random.chance(0.5));
    return literal(Array.from({ length: random.below(3) }, () => random.below(9)));
  }

  leaf(type, env) {
    const found = this.reads(type, env);
    return found.length && this.random.chance(0.8) ? this.random.pick(found) : this.plain(type);
  }

  int(env, depth) {
    const { random } = this;
    if (depth <= 0) return this.leaf('int', env);
    const roll = random.below(10);
    if (roll < 4) {
      const [operator, js] = random.pick(ARITHMETIC);
      return binary(this.int(env, depth - 1), operator, this.int(env, depth - 1), js);
    }
    if (roll === 4) return binary(this.int(env, depth - 1), '*', literal(random.below(7) - 2), (a, b) => whole(a * b));
    if (roll === 5) return rest(this.int(env, depth - 1), 2 + random.below(9));
    if (roll === 6) return choice(this.bool(env, depth - 1), this.int(env, depth - 1), this.int(env, 0));
    if (roll === 7) return size(this.leaf(random.pick(['str', 'list']), env));
    if (roll === 8) {
      const list = this.leaf('list', env);
      const first = new Expr(`${list.cel}[0]`, (scope) => list.js(scope)[0]);
      return choice(less(literal(0), size(list)), first, this.int(env, 0));
    }
    return this.leaf('int', env);
  }

  str(env, depth) {
    const { random } = this;
    const roll = random.below(8);
    if (depth > 0 && roll < 3) return plus(this.str(env, depth - 1), this.leaf('str', env));
    if (depth > 0 && roll === 3) {
      const number = this.int(env, depth - 1);
      return new Expr(`string(${number.cel})`, (scope) => String(number.js(scope)));
    }
    if (depth > 0 && roll === 4) return choice(this.bool(env, depth - 1), this.str(env, 0), this.str(env, 0));
    if (roll === 5) return read('event.type');
    return this.leaf('str', env);
  }

  list(env, depth) {
    const { random } = this;
    const roll = random.below(6);
    if (depth > 0 && roll < 2) return plus(this.list(env, depth - 1), this.items(env, depth - 1));
    if (depth > 0 && roll === 2) {
      const [list, test] = [this.leaf('list', env), this.test(env)];
      return new Expr(`${list.cel}.filter(x, ${test.cel})`, (scope) => list.js(scope).filter(test.js(scope)));
    }
    if (depth > 0 && roll === 3) {
      const [list, added] = [this.leaf('list', env), this.leaf('int', env)];
      return new Expr(`${list.cel}.map(x, (x + ${added.cel}) % 997)`, (scope) =>
        list.js(scope).map((x) => whole((x + added.js(scope)) % 997)),
      );
    }
    return roll === 4 ? this.items(env, depth - 1) : this.leaf('list', env);
  }

  items(env, depth) {
    const items = Array.from({ length: 1 + this.random.below(2) }, () => this.int(env, depth));
    return new Expr(`[${items.map((item) => item.cel).join(', ')}]`, (scope) => items.map((item) => item.js(scope)));
  }

  // A comparison of an item x: its js answers, for a scope, a function of x.
  test(env) {
    const [operator, js] = this.random.pick(COMPARISONS);
    const bound = this.leaf('int', env);
    return new Expr(`x ${operator} ${bound.cel}`, (scope) => (x) => js(x, bound.js(scope)));
  }

  bool(env, depth) {
    const { random } = this;
    const roll = random.below(16);
    if (depth > 0 && roll < 3) {
      const [operator, js] = random.pick([
        ['&&', (a, b) => a && b],
        ['||', (a, b) => a || b],
      ]);
      return binary(this.bool(env, depth - 1), operator, this.bool(env, depth - 1), js);
    }
    if (depth > 0 && roll === 3) {
      const inner = this.bool(env, depth - 1);
      return new Expr(`!${inner.cel}`, (scope) => !inner.js(scope));
    }
    if (roll < 8) {
      const [operator, js] = random.pick(COMPARISONS);
      return binary(this.int(env, depth - 1), operator, this.int(env, depth - 1), js);
    }
    if (roll === 8) return equal(this.str(env, depth - 1), this.str(env, depth - 1));
    if (roll === 9) {
      const [method, js] = random.pick([
        ['startsWith', (a, b) => a.startsWith(b)],
        ['endsWith', (a, b) => a.endsWith(b)],
        ['contains', (a, b) => a.includes(b)],
      ]);
      const [text, part] = [this.leaf('str', env), this.leaf('str', env)];
      return new Expr(`${text.cel}.${method}(${part.cel})`, (scope) => js(text.js(scope), part.js(scope)));
    }
    if (roll === 10) return binary(this.int(env, 0), 'in', this.leaf('list', env), (a, list) => list.includes(a));
    if (roll === 11) {
      const [loop, js] = random.pick(LOOPS);
      const [list, test] = [this.leaf('list', env), this.test(env)];
      return new Expr(`${list.cel}.${loop}(x, ${test.cel})`, (scope) => js(list.js(scope), test.js(scope)));
    }
    if (roll === 12) return equal(this.list(env, depth - 1), this.leaf('list', env));
    if (roll === 13) {
      const may = Object.keys(env.may ?? {}).map((name) => `event.${name}`);
      const optional = Object.keys(env.context).filter((name) => env.context[name].endsWith('?'));
      return has(random.pick([...may, ...optional.map((name) => `context.${name}`), 'event.type']));
    }
    if (roll === 14) return equal(read('event.type'), literal(random.pick(['A', 'B', 'R1', 'xstate.init', 'a.b'])));
    return this.leaf('bool', env);
  }

  // An expression whose value stays small, however often it is assigned to what it is made of.
  bounded(type, env, depth = 2) {
    const inner = this.of(type, env, depth);
    if (type === 'bool' || depth === 0) return inner;
    if (type === 'int') return rest(inner, 9973);
    const [most, instead] = type === 'str' ? [24, this.plain('str')] : [8, this.plain('list')];
    return choice(less(literal(most), size(inner)), instead, inner);
  }
}
