// Writes a chart of random_data_chart.mjs twice: as our document (expressions as CEL) and as a machine of XState
// (expressions as JavaScript functions).

import { and, assign, cancel, createMachine, emit, fromCallback, log, not, or, raise, stateIn } from 'xstate';

import { evaluate, Expr, hasExpressions } from './expressions.mjs';

export const MOST_MICROSTEPS = 100;

const asList = (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
const mapped = (object, change) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));

// A state node with each of its lists of actions, transitions and templates changed.
function changed(node, { actions, transitions, template }) {
  const made = { ...node };
  for (const member of ['entry', 'exit']) if (node[member] !== undefined) made[member] = actions(node[member]);
  if (node.initial?.actions) made.initial = { ...node.initial, actions: actions(node.initial.actions) };
  for (const member of ['always', 'onDone']) if (node[member] !== undefined) made[member] = transitions(node[member]);
  for (const member of ['on', 'after']) if (node[member]) made[member] = mapped(node[member], transitions);
  if (node.invoke) made.invoke = each(node.invoke, (task) => changedTask(task, transitions, template));
  for (const member of ['output', 'context']) if (node[member] !== undefined) made[member] = template(node[member]);
  if (node.states) made.states = mapped(node.states, (child) => changed(child, { actions, transitions, template }));
  return made;
}

function changedTask(task, transitions, template) {
  const made = { ...task };
  for (const member of ['onDone', 'onError']) if (task[member] !== undefined) made[member] = transitions(task[member]);
  if (task.input !== undefined) made.input = template(task.input);
  return made;
}

const each = (value, change) => (Array.isArray(value) ? value.map(change) : change(value));

// The document.

const printed = (template) => {
  if (template instanceof Expr) return { '@expr': template.cel };
  if (Array.isArray(template)) return template.map(printed);
  return template !== null && typeof template === 'object' ? mapped(template, printed) : template;
};

function printedGuard(guard) {
  switch (guard.kind) {
    case 'expr': {
      if (!guard.inside) return { '@expr': guard.expr.cel };
      const { path, and: both } = guard.inside;
      return { '@expr': `inState(${JSON.stringify(path)}) ${both ? '&&' : '||'} ${guard.expr.cel}`, '@lang': 'cel' };
    }
    case 'name':
      return guard.params === undefined ? guard.name : { type: guard.name, params: printed(guard.params) };
    case 'not':
      return { type: 'xstate.not', guard: printedGuard(guard.guard) };
    case 'stateIn':
      return { type: 'xstate.stateIn', stateValue: guard.value };
    default:
      return { type: `xstate.${guard.kind}`, guards: guard.guards.map(printedGuard) };
  }
}

function printedAction(action) {
  switch (action.kind) {
    case 'assign':
      return { type: '@xstate.assign', context: printed(action.context) };
    case 'raise':
    case 'emit':
    case 'cancel': {
      const { kind, ...members } = action;
      return { type: `@xstate.${kind}`, ...printed(members) };
    }
    case 'log':
      return { type: '@xstate.log', args: printed(action.args) };
    case 'named':
      return action.params === undefined ? action.name : { type: action.name, params: printed(action.params) };
    default:
      return typeof action === 'string' ? action : { ...action, params: printed(action.params) };
  }
}

function printedTransition(transition) {
  if (transition === null || typeof transition === 'string') return transition;
  const made = { ...transition };
  if (made.guard) made.guard = printedGuard(made.guard);
  if (made.actions) made.actions = each(made.actions, printedAction);
  if (made.context) made.context = printed(made.context);
  return made;
}

export function documentOf({ config, meanings, actions, delays = {} }) {
  const document = changed(config, {
    actions: (given) => each(given, printedAction),
    transitions: (given) => each(given, printedTransition),
    template: printed,
  });
  if (Object.keys(meanings).length) document.guards = mapped(meanings, ({ expr }) => ({ when: { '@expr': expr.cel } }));
  if (Object.keys(delays).length) document.delays = mapped(delays, ({ written }) => printed(written));
  if (Object.keys(actions).length) document.actions = mapped(actions, ({ action }) => printedAction(action));
  return document;
}

// The names of the client's guards that a chart uses.
export function clientGuards(chart) {
  const text = JSON.stringify(documentOf(chart));
  return chart.client.filter((name) => text.includes(JSON.stringify(name)));
}

// The machine.

const work = (template) => ({ context, event }, params) => evaluate(template, { context, event, params });
const workedOut = (template) => (hasExpressions(template) ? work(template) : template);

const abstract = new WeakMap();

function madeGuard(guard) {
  const made = bareGuard(guard);
  if (typeof made !== 'string') abstract.set(made, guard);
  return made;
}

function bareGuard(guard) {
  switch (guard.kind) {
    case 'expr': {
      const holds = work(guard.expr);
      if (!guard.inside) return holds;
      return (guard.inside.and ? and : or)([stateIn(guard.inside.value), holds]);
    }
    case 'name':
      return guard.params === undefined ? guard.name : { type: guard.name, params: workedOut(guard.params) };
    case 'not':
      return not(madeGuard(guard.guard));
    case 'stateIn':
      return stateIn(guard.value);
    default:
      return (guard.kind === 'and' ? and : or)(guard.guards.map(madeGuard));
  }
}

function madeDelay({ delay, id }) {
  return delay === undefined ? undefined : { delay: workedOut(delay), ...(id !== undefined && { id }) };
}

function madeAction(action) {
  switch (action.kind) {
    case 'assign':
      return assign(work(action.context));
    case 'raise':
      return raise(workedOut(action.event), madeDelay(action));
    case 'cancel':
      return cancel(workedOut(action.id));
    case 'emit':
      return emit(workedOut(action.event));
    case 'log':
      return log(work(action.args));
    case 'named':
      return action.params === undefined ? action.name : { type: action.name, params: workedOut(action.params) };
    default:
      return typeof action === 'string' ? action : { ...action, params: workedOut(action.params) };
  }
}

function madeTransition(transition) {
  // JSON has no undefined, which is what XState reads as "forbidden".
  if (transition === null) return undefined;
  if (typeof transition === 'string') return transition;
  const { context, ...made } = transition;
  if (made.guard) made.guard = madeGuard(made.guard);
  if (made.actions) made.actions = asList(made.actions).map(madeAction);
  if (context) made.actions = [assign(work(context)), ...(made.actions ?? [])];
  return made;
}

// "truth" is an object whose members, the client's guards, are changed from step to step.
export function machineOf(chart, truth) {
  const config = changed(chart.config, {
    actions: (given) => asList(given).map(madeAction),
    transitions: (given) => each(given, madeTransition),
    template: (given) => work(given),
  });
  // transition() makes an actor that has no input.
  config.context = ({ input }) => evaluate(chart.config.context, { input: input ?? chart.input });
  config.options = { maxIterations: MOST_MICROSTEPS };
  return createMachine(config, {
    guards: {
      ...Object.fromEntries(chart.client.map((name) => [name, () => truth[name]])),
      ...mapped(chart.meanings, ({ expr }) => work(expr)),
    },
    actions: mapped(chart.actions, ({ action }) => madeAction(action)),
    delays: { ...chart.texts, ...mapped(chart.delays ?? {}, ({ meant }) => workedOut(meant)) },
    actors: Object.fromEntries((chart.sources ?? []).map((source) => [source, fromCallback(() => {})])),
  });
}

// Whether the guard of a transition of such a machine holds, worked out without XState.
export function holds(chart, truth, made, snapshot, event) {
  if (made === undefined) return true;
  const guard = typeof made === 'string' ? { kind: 'name', name: made } : abstract.get(made);
  return judged(guard);

  function judged(one) {
    const scope = { context: snapshot.context, event };
    switch (one.kind) {
      case 'expr': {
        const value = one.expr.js(scope);
        if (!one.inside) return value;
        const within = snapshot.matches(one.inside.value);
        return one.inside.and ? within && value : within || value;
      }
      case 'name': {
        if (!chart.meanings[one.name]) return truth[one.name];
        return chart.meanings[one.name].expr.js({ ...scope, params: evaluate(one.params ?? {}, scope) });
      }
      case 'not':
        return !judged(one.guard);
      case 'stateIn':
        if (typeof one.value === 'string' && one.value.startsWith('#')) {
          return snapshot._nodes.some((node) => `#${node.id}` === one.value);
        }
        return snapshot.matches(one.value);
      default:
        return one.kind === 'and' ? one.guards.every(judged) : one.guards.some(judged);
    }
  }
}
