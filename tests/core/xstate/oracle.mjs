// Runs one chart in the real XState and records what it does: the start, then each event.
//
// "taken" is derived so. XState's transition() answers every event, also one that nothing handles, so the answer
// does not say whether a transition was enabled. machine.getTransitionData(snapshot, event) does: it is the very
// selection that transition() starts with. Its result is empty when no active state handles the event (taken 0).
// When it holds only transitions with neither target nor actions, the event is forbidden: XState's own
// snapshot.can(event) answers false, and so does SM.CAN (taken 2). Else taken is 1; that this equals can() is
// checked here for every event. An actor whose snapshot is not "active" takes no event: taken 0. What taken 0
// and 2 leave alone (state value, history, status) is checked as well.

import { createActor, createMachine, fromCallback, getInitialMicrosteps, initialTransition, transition } from 'xstate';

const MOST_MICROSTEPS = 1000;

// XState's result depends on more than the snapshot, or is no legal configuration: no test of a pure function.
export class Unusable extends Error {}

// JSON has no undefined, which is what XState reads as "forbidden": the fixtures write null.
function forXState(node) {
  const copy = { ...node };
  if (copy.on) copy.on = Object.fromEntries(Object.entries(copy.on).map(([k, v]) => [k, v ?? undefined]));
  if (copy.states) copy.states = Object.fromEntries(Object.entries(copy.states).map(([k, v]) => [k, forXState(v)]));
  return copy;
}

export function machineOf(config) {
  const copy = forXState(structuredClone(config));
  return createMachine({ ...copy, options: { maxIterations: MOST_MICROSTEPS } });
}

const isAtomic = (node) => node.type === 'atomic' || node.type === 'final';

export function requireLegal(snapshot) {
  const active = new Set(snapshot._nodes);
  for (const node of active) {
    const children = Object.values(node.states).filter((child) => child.type !== 'history');
    const count = children.filter((child) => active.has(child)).length;
    if (node.type === 'history') throw new Unusable('history state active');
    if (node.parent && !active.has(node.parent)) throw new Unusable('orphan active');
    if (node.type === 'compound' && count !== 1) throw new Unusable(`${count} children active`);
    if (node.type === 'parallel' && count !== children.length) throw new Unusable('region missing');
  }
}

// Transitions without an event are asked of atomic states in the order in which they were last entered, which a
// stored snapshot does not have. Where that is not the document order, the chart is left out.
function requireOrderIndependent(snapshot) {
  const choose = (nodes) => {
    const chosen = new Set();
    for (const leaf of nodes.filter(isAtomic)) {
      for (let node = leaf; node; node = node.parent) {
        if (node.always?.length) {
          chosen.add(node.always[0]);
          break;
        }
      }
    }
    return [...chosen];
  };
  const entered = choose(snapshot._nodes);
  const documented = choose([...snapshot._nodes].sort((a, b) => a.order - b.order));
  if (entered.some((one, index) => one !== documented[index])) throw new Unusable('depends on the order of entry');
}

function check(snapshots) {
  for (const snapshot of snapshots) {
    requireLegal(snapshot);
    requireOrderIndependent(snapshot);
  }
}

// A scope for machine.transition() and its like that notes the microsteps; actors that are spawned get its system.
export function noting(steps) {
  const { system } = createActor(fromCallback(() => {}));
  system._sendInspectionEvent = (inspected) => inspected.type === '@xstate.microstep' && steps.push(inspected);
  return { system, actionExecutor() {}, self: { system } };
}

// Each microstep that the event causes, as {snapshot, event}; the first many of them when they do not end.
export function microsteps(machine, snapshot, event) {
  const steps = [];
  try {
    machine.transition(snapshot, event, noting(steps));
  } catch (error) {
    if (!isEndless(error)) throw error;
  }
  return steps;
}

export const isEndless = (error) => /Infinite loop/.test(error.message);

const historyOf = (snapshot) =>
  Object.fromEntries(
    Object.entries(snapshot.historyValue ?? {}).map(([id, nodes]) => [id, nodes.map((node) => node.id).sort()]),
  );

export function takenBy(machine, snapshot, event) {
  if (snapshot.status !== 'active') return 0;
  const found = machine.getTransitionData(snapshot, event);
  if (!found.length) return 0;
  const taken = found.some((one) => one.target !== undefined || one.actions.length) ? 1 : 2;
  if (snapshot.can(event) !== (taken === 1)) throw new Error('can() disagrees');
  return taken;
}

export function quietly(work) {
  const { warn } = console;
  console.warn = () => {};
  try {
    return work();
  } finally {
    console.warn = warn;
  }
}

export function record(name, config, events, alphabet = [...new Set(events)]) {
  return quietly(() => {
    const machine = machineOf(config);
    const [start, startActions] = initialTransition(machine);
    if (start.status === 'error') throw new Unusable(`start: ${start.error.message}`);
    check(getInitialMicrosteps(machine).map(([snapshot]) => snapshot));
    const canOf = (snapshot) => alphabet.map((type) => (takenBy(machine, snapshot, { type }) === 1 ? 1 : 0)).join('');
    let history = '{}';
    const noted = (snapshot, actions) => {
      const note = { value: snapshot.value, actions: actions.map((action) => action.type) };
      if (snapshot.status !== 'active') note.status = snapshot.status;
      const now = historyOf(snapshot);
      if (JSON.stringify(now) !== history) note.history = now;
      history = JSON.stringify(now);
      note.can = canOf(snapshot);
      return note;
    };
    const fixture = { name, config, alphabet, start: noted(start, startActions), events: [] };
    let snapshot = start;
    for (const type of events) {
      const event = { type };
      const taken = takenBy(machine, snapshot, event);
      if (snapshot.status !== 'active') {
        fixture.events.push({ event: type, taken });
        continue;
      }
      let next, actions;
      check(microsteps(machine, snapshot, event).map((step) => step.snapshot));
      try {
        [next, actions] = transition(machine, snapshot, event);
      } catch (error) {
        if (!isEndless(error)) throw error;
        fixture.events.push({ event: type, taken, error: true });
        continue;
      }
      if (taken === 1) {
        fixture.events.push({ event: type, taken, ...noted(next, actions) });
        snapshot = next;
        continue;
      }
      const same = (one) => JSON.stringify([one.value, one.status, historyOf(one)]);
      if (same(next) !== same(snapshot)) throw new Unusable('changed without a transition for the event');
      fixture.events.push({ event: type, taken });
    }
    return fixture;
  });
}
