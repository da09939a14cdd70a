// Runs a chart with data in the real XState and records what it does: the start, then each event.
//
// A record has the members of those of real charts (real_charts.json.gz): "event"; "guards", what the client says;
// "can" before the event; "taken" (0: no transition for the event, 1: one, 2: only forbidden ones); "value", "status";
// "actions", the effects; "history" and "context" only where they changed; "output" and "error" where there is one. A
// step that does not end, in so many microsteps as the document allows then, has "error" in place of what comes of it.
// "quirks":
//
//   moved-without-transition   no transition takes the event, yet an "always" with a target was taken
//   ran-again                  no transition takes the event, and all that was taken is an "always" without a target,
//                              which runs its effects once more; that is not done here
//
// What is asked in another order than XState's, or ends in no legal configuration, is Unusable, as in oracle.mjs.

import { createActor, initialTransition, transition } from 'xstate';

import { clientGuards, documentOf, holds, machineOf, MOST_MICROSTEPS } from './data_machine.mjs';
import { isEndless, microsteps, noting, quietly, requireLegal, takenBy, Unusable } from './oracle.mjs';

const isAtomic = (node) => node.type === 'atomic' || node.type === 'final';
const LARGEST = 2 ** 31;

// Several "always" at once: XState asks in the order in which the states were last entered, which a stored snapshot
// does not have. Where that is not the document order, the chart is left out.
function requireOrderIndependent(chart, truth, snapshot, event) {
  const choose = (nodes) => {
    const chosen = new Set();
    for (const leaf of nodes.filter(isAtomic)) {
      loop: for (let node = leaf; node; node = node.parent) {
        for (const one of node.always ?? []) {
          if (holds(chart, truth, one.guard, snapshot, event)) {
            chosen.add(one);
            break loop;
          }
        }
      }
    }
    return [...chosen];
  };
  const entered = choose(snapshot._nodes);
  const documented = choose([...snapshot._nodes].sort((a, b) => a.order - b.order));
  if (entered.some((one, index) => one !== documented[index])) throw new Unusable('depends on the order of entry');
}

function requireSmall(value) {
  if (typeof value === 'number' && !(Number.isInteger(value) && Math.abs(value) < LARGEST && !Object.is(value, -0))) {
    throw new Error(`a number that CEL may see otherwise: ${value}`);
  }
  if (value === undefined) throw new Error('undefined');
  if (value !== null && typeof value === 'object') Object.values(value).forEach(requireSmall);
}

// What transition() returned, without what is raised at once.
export function effects(actions) {
  return actions.filter(({ type }) => type !== 'xstate.raise').map(({ type, params }) => effect(type, params));
}

export function effect(type, params) {
  if (type === 'xstate.emit') return { type: '@xstate.emit', params: { event: params.event } };
  if (type === 'xstate.log') return { type: '@xstate.log', params: { args: params.value } };
  if (/^xstate\./.test(type)) throw new Error(`an action that is not expected: ${type}`);
  return params === undefined ? { type } : { type, params };
}

const historyOf = (snapshot) =>
  Object.fromEntries(
    Object.entries(snapshot.historyValue ?? {}).map(([id, nodes]) => [id, nodes.map((node) => node.id).sort()]),
  );

function requireSameWhenRestored(machine, snapshot) {
  const persisted = JSON.parse(JSON.stringify(machine.getPersistedSnapshot(snapshot)));
  const again = JSON.parse(JSON.stringify(createActor(machine, { snapshot: persisted }).getPersistedSnapshot()));
  if (JSON.stringify(again) !== JSON.stringify(persisted)) throw new Error('persists otherwise when it is restored');
  return persisted;
}

function firstMicrosteps(machine, input) {
  const steps = [];
  const { status, error } = machine.getInitialSnapshot(noting(steps), input);
  if (status === 'error') throw error;
  return steps;
}

// Follows a chart: "fixture" has the record of the start, where "guards" is what the client says, and give() adds that
// of an event. "read" reads what transition() returned.
export class Walk {
  constructor(name, chart, guards, read = effects) {
    this.chart = chart;
    this.read = read;
    this.truth = { ...guards };
    this.machine = machineOf(chart, this.truth);
    this.client = clientGuards(chart);
    this.before = { history: '{}', context: '' };
    const [start, actions] = initialTransition(this.machine, chart.input);
    if (start.status === 'error') {
      if (isEndless(start.error)) throw new Unusable('endless start');
      throw start.error;
    }
    this.reached(firstMicrosteps(this.machine, chart.input));
    this.snapshot = start;
    this.fixture = { name, config: documentOf(chart), guards: this.client };
    if (chart.input) this.fixture.input = chart.input;
    this.fixture.initial = { guards: this.said(guards), ...this.noted(start, actions) };
    this.fixture.steps = [];
  }

  said(guards) {
    return Object.fromEntries(this.client.map((one) => [one, guards[one]]));
  }

  reached(steps) {
    for (const { snapshot, event } of steps) {
      requireLegal(snapshot);
      if (snapshot.status === 'active') requireOrderIndependent(this.chart, this.truth, snapshot, event);
    }
  }

  noted(snapshot, actions) {
    const note = { value: snapshot.value, status: snapshot.status, actions: this.read(actions) };
    note.actions.forEach(({ delay, ...others }) => requireSmall(others));
    for (const [member, now] of [['history', historyOf(snapshot)], ['context', snapshot.context]]) {
      if (JSON.stringify(now) !== this.before[member]) note[member] = now;
      this.before[member] = JSON.stringify(now);
    }
    if (snapshot.output !== undefined) note.output = snapshot.output;
    requireSmall(snapshot.context);
    if (note.output !== undefined) requireSmall(note.output);
    return note;
  }

  // Answers the record.
  give(event, guards) {
    Object.assign(this.truth, guards);
    const { machine, snapshot } = this;
    const common = { event, guards: this.said(guards) };
    if (snapshot.status !== 'active') return this.add({ ...common, can: false, taken: 0, ...this.noted(snapshot, []) });
    const taken = takenBy(machine, snapshot, event);
    let next, actions;
    const taking = microsteps(machine, snapshot, event);
    this.reached(taking);
    try {
      [next, actions] = transition(machine, snapshot, event);
    } catch (error) {
      if (!isEndless(error)) throw error;
      this.fixture.config.options = { maxIterations: MOST_MICROSTEPS };
      return this.add({ ...common, can: taken === 1, taken, error: true });
    }
    this.snapshot = next;
    const step = { ...common, can: taken === 1, taken };
    if (next.status === 'error') return this.add({ ...step, ...this.noted(next, actions), error: next.error });
    const chosen = taking.flatMap((one) => one._transitions);
    const [, { _transitions: first = [] } = {}] = taking;
    if (taken !== 1 && new Set(first.map((one) => one.target === undefined)).size > 1) {
      throw new Unusable('runs an always without a target again, beside one with a target');
    }
    if (taken !== 1 && chosen.some((one) => one.target !== undefined)) step.quirks = ['moved-without-transition'];
    else if (taken !== 1 && actions.length) step.quirks = ['ran-again'];
    const unchanged = (one) => JSON.stringify([one.value, one.context, historyOf(one), one.status]);
    const moved = taken === 1 || step.quirks?.includes('moved-without-transition');
    if (!moved && unchanged(next) !== unchanged(snapshot)) {
      throw new Unusable('changed by an always without a target');
    }
    return this.add({ ...step, ...this.noted(next, actions) });
  }

  add(step) {
    this.fixture.steps.push(step);
    return step;
  }
}

export function record(name, chart, events) {
  return quietly(() => {
    const walk = new Walk(name, chart, events.start);
    for (const { event, guards } of events.steps) walk.give(event, guards);
    walk.fixture.snapshot = requireSameWhenRestored(walk.machine, walk.snapshot);
    return walk.fixture;
  });
}
