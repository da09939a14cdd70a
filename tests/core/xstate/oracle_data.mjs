// Runs a chart with data in the real XState and records what it does: the start, then each event.
//
// A record has the members of those of real charts (real_charts.json.gz): "event"; "guards", what the client says;
// "can" before the event; "taken" (0: no transition for the event, 1: one, 2: only forbidden ones); "value", "status";
// "actions", the effects; "history" and "context" only where they changed; "output" where there is one. A step that
// does not end, in so many microsteps as the document allows then, has "error" in place of what comes of it. "quirks":
//
//   moved-without-transition   no transition takes the event, yet an "always" with a target was taken
//   ran-again                  no transition takes the event, and all that was taken is an "always" without a target,
//                              which runs its effects once more; that is not done here
//
// What is asked in another order than XState's, or ends in no legal configuration, is Unusable, as in oracle.mjs.

import { createActor, initialTransition, transition } from 'xstate';

import { clientGuards, documentOf, holds, machineOf, MOST_MICROSTEPS } from './data_machine.mjs';
import { isEndless, microsteps, quietly, requireLegal, takenBy, Unusable } from './oracle.mjs';

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

function effects(actions) {
  const found = [];
  for (const { type, params } of actions) {
    if (type === 'xstate.raise') continue;
    if (type === 'xstate.emit') found.push({ type: '@xstate.emit', params: { event: params.event } });
    else if (type === 'xstate.log') found.push({ type: '@xstate.log', params: { args: params.value } });
    else if (/^xstate\./.test(type)) throw new Error(`an action that is not expected: ${type}`);
    else found.push(params === undefined ? { type } : { type, params });
  }
  found.forEach(requireSmall);
  return found;
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
  const system = { _sendInspectionEvent: (inspected) => steps.push(inspected) };
  const { status, error } = machine.getInitialSnapshot({ system, actionExecutor() {}, self: {} }, input);
  if (status === 'error') throw error;
  return steps;
}

export function record(name, chart, events) {
  return quietly(() => {
    const truth = { ...events.start };
    const machine = machineOf(chart, truth);
    const client = clientGuards(chart);
    const said = (guards) => Object.fromEntries(client.map((one) => [one, guards[one]]));
    const reached = (steps) => {
      for (const { snapshot, event } of steps) {
        requireLegal(snapshot);
        if (snapshot.status === 'active') requireOrderIndependent(chart, truth, snapshot, event);
      }
    };
    const [start, startActions] = initialTransition(machine, chart.input);
    if (start.status === 'error') {
      if (isEndless(start.error)) throw new Unusable('endless start');
      throw start.error;
    }
    reached(firstMicrosteps(machine, chart.input));

    const before = { history: '{}', context: '' };
    const noted = (snapshot, actions) => {
      const note = { value: snapshot.value, status: snapshot.status, actions: effects(actions) };
      for (const [member, now] of [['history', historyOf(snapshot)], ['context', snapshot.context]]) {
        if (JSON.stringify(now) !== before[member]) note[member] = now;
        before[member] = JSON.stringify(now);
      }
      if (snapshot.output !== undefined) note.output = snapshot.output;
      requireSmall(snapshot.context);
      if (note.output !== undefined) requireSmall(note.output);
      return note;
    };
    const fixture = { name, config: documentOf(chart), guards: client };
    if (chart.input) fixture.input = chart.input;
    fixture.initial = { guards: said(events.start), ...noted(start, startActions) };
    fixture.steps = [];

    let snapshot = start;
    for (const { event, guards } of events.steps) {
      Object.assign(truth, guards);
      const common = { event, guards: said(guards) };
      if (snapshot.status !== 'active') {
        fixture.steps.push({ ...common, can: false, taken: 0, ...noted(snapshot, []) });
        continue;
      }
      const taken = takenBy(machine, snapshot, event);
      let next, actions;
      const taking = microsteps(machine, snapshot, event);
      reached(taking);
      try {
        [next, actions] = transition(machine, snapshot, event);
      } catch (error) {
        if (!isEndless(error)) throw error;
        fixture.config.options = { maxIterations: MOST_MICROSTEPS };
        fixture.steps.push({ ...common, can: taken === 1, taken, error: true });
        continue;
      }
      const step = { ...common, can: taken === 1, taken };
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
        throw new Error('changed by an always without a target');
      }
      fixture.steps.push({ ...step, ...noted(next, actions) });
      snapshot = next;
    }
    fixture.snapshot = requireSameWhenRestored(machine, snapshot);
    return fixture;
  });
}
