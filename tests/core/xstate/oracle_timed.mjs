// Runs a chart with time and tasks in the real XState, with the time and the workers simulated: what is pending is kept
// here, and fires or is reported when the walk says so.
//
// A record is that of oracle_data.mjs, and "actions" has what arms, cancels, starts and stops too, in XState's order:
// {type: 'xstate.raise', id?, delay, event}, 'xstate.cancel' and 'xstate.stopChild' with {id}, 'xstate.spawnChild' with
// {id, src, input?}. Besides:
//
//   pending    the deadlines after it, in the order in which they were armed: {id?, event, delay}
//   invokes    the ids of the tasks that were started and not stopped; running: those that were not reported
//   fires, at  the event is that of the deadline with this id ("": none), which was at this place of "pending"
//   late       the event is the report of a task that was stopped before: it is not given
//   error      what the machine failed with
//
// An event that says nothing but its type is its type alone in "pending" and "actions". "quirks" has, besides:
//
//   armed-twice     a deadline is armed under an id that is pending. XState leaves the older one armed; it is taken to
//                   be replaced
//   started-twice   a task is started under an id that runs: a state was entered again without being left

import { effect, Walk } from './oracle_data.mjs';
import { quietly, Unusable } from './oracle.mjs';
import { generator } from './random_chart.mjs';
import { randomDataEvents } from './random_data_chart.mjs';
import { randomResult } from './random_timed_chart.mjs';

const brief = (event) => (Object.keys(event).length === 1 ? event.type : event);

function timedEffect({ type, params }) {
  switch (type) {
    case 'xstate.raise': {
      const { id, delay, event } = params;
      if (delay === undefined) return [];
      if (!(delay >= 0 && delay < Infinity)) throw new Error(`no delay: ${delay}`);
      return [{ type, ...(id !== undefined && { id }), delay, event: brief(event) }];
    }
    case 'xstate.cancel':
      return [{ type, id: params.sendId }];
    case 'xstate.spawnChild': {
      const { id, src, input } = params;
      return [{ type, id, src, ...(input !== undefined && { input }) }];
    }
    case 'xstate.stopChild':
      if (params === undefined) throw new Unusable('stops what does not run');
      return [{ type, id: params.id }];
    default:
      return [effect(type, params)];
  }
}

class Waits {
  pending = [];
  tasks = [];
  left = [];
  now = 0;

  // Notes in a record what it arms, cancels, starts and stops, and what is pending then.
  take(record) {
    if (!record.status) throw new Unusable('endless');
    const quirks = new Set(record.quirks);
    const waits = record.actions.some(({ type }) => /^xstate\./.test(type));
    if (waits && quirks.has('ran-again')) throw new Unusable('waits again');
    for (const { type, id, delay, event, src } of record.actions) {
      if (type === 'xstate.raise' || type === 'xstate.cancel') {
        const kept = this.pending.filter((one) => id === undefined || one.id !== id);
        if (type === 'xstate.raise' && kept.length < this.pending.length) quirks.add('armed-twice');
        this.pending = kept;
      }
      if (type === 'xstate.raise') this.pending.push({ id, event, delay, due: this.now + delay });
      const held = this.tasks.findIndex((task) => task.id === id);
      if (type === 'xstate.spawnChild') {
        if (held >= 0) quirks.add('started-twice');
        this.tasks.splice(held < 0 ? this.tasks.length : held, 1, { id, src, reported: false });
      }
      if (type === 'xstate.stopChild') this.left.push(...this.tasks.splice(held, 1));
    }
    if (record.status !== 'active') {
      if (this.tasks.length) throw new Error('a task outlives its machine');
      this.pending = [];
    }
    if (quirks.size) record.quirks = [...quirks];
    record.invokes = this.tasks.map(({ id }) => id);
    record.running = this.tasks.filter(({ reported }) => !reported).map(({ id }) => id);
    record.pending = this.pending.map(({ id, event, delay }) => ({ ...(id !== undefined && { id }), event, delay }));
  }

  earliest() {
    return this.pending.reduce((first, one) => (first === undefined || one.due < first.due ? one : first), undefined);
  }

  fire(one) {
    const at = this.pending.indexOf(one);
    this.pending.splice(at, 1);
    this.now = Math.max(this.now, one.due);
    return { fires: one.id ?? '', at };
  }
}

const given = (event) => (typeof event === 'string' ? { type: event } : event);

export function recordTimed(name, chart, seed, count) {
  return quietly(() => {
    const random = generator(seed ^ 0x71e3d);
    const { start, steps } = randomDataEvents(seed, count);
    const walk = new Walk(name, chart, start, (actions) => actions.flatMap(timedEffect));
    const waits = new Waits();
    waits.take(walk.fixture.initial);
    for (const { event, guards } of steps) waits.take(step(event, guards));
    return walk.fixture;

    function step(event, guards) {
      if (walk.snapshot.status !== 'active') return walk.give(event, guards);
      const overdue = waits.pending.some(({ due }) => due <= waits.now);
      if (waits.pending.length && random.chance(overdue ? 0.8 : 0.3)) {
        // SM.FIRE takes any of them.
        const one = random.chance(0.8) ? waits.earliest() : random.pick(waits.pending);
        const fired = waits.fire(one);
        return Object.assign(walk.give(given(one.event), guards), fired);
      }
      waits.now += random.pick([0, 1, 50, 700]);
      const running = waits.tasks.filter(({ reported }) => !reported);
      if (running.length && random.chance(0.4)) {
        const task = random.pick(running);
        task.reported = true;
        return walk.give(report(task), guards);
      }
      const late = waits.left.filter(({ id, reported }) => !reported && !waits.tasks.some((task) => task.id === id));
      if (late.length && random.chance(0.3)) {
        const common = { event: report(random.pick(late), false), late: true, guards: walk.said(guards) };
        return walk.add({ ...common, can: false, taken: 0, ...walk.noted(walk.snapshot, []) });
      }
      return walk.give(event, guards);
    }

    function report({ id, src }, cautious = true) {
      const failed = random.chance(0.4);
      const event = { type: `xstate.error.actor.${id}`, ...randomResult(random, src, 'error') };
      const heard = walk.machine.getTransitionData(walk.snapshot, event).length > 0;
      // Most machines are to live on.
      if (failed && (heard || !cautious || random.chance(0.4))) return event;
      return { type: `xstate.done.actor.${id}`, ...randomResult(random, src, 'output') };
    }
  });
}
