// Machines after well-known charts, each with a run of events that goes through its corners.

const words = (text) => text.split(' ');
const chart = (name, events, config) => ({ name, config: { id: name, ...config }, events: words(events) });

export const known = [
  chart('toggle', 'TOGGLE TOGGLE NOTHING TOGGLE', {
    initial: 'inactive',
    states: {
      inactive: { on: { TOGGLE: 'active' } },
      active: { entry: 'light', exit: 'dark', on: { TOGGLE: 'inactive' } },
    },
  }),
  chart('traffic-light', 'TIMER TIMER TIMER WALK COUNT COUNT COUNT TIMER POWER.OUT TIMER POWER.BACK TIMER', {
    initial: 'green',
    on: { 'POWER.*': '.failing', 'POWER.BACK': '.red' },
    states: {
      green: { on: { TIMER: 'yellow' } },
      yellow: { on: { TIMER: 'red' } },
      red: {
        initial: 'walk',
        on: { TIMER: 'green' },
        onDone: { actions: 'clear' },
        states: {
          walk: { on: { COUNT: 'wait' } },
          wait: { on: { COUNT: 'stop' } },
          stop: { type: 'final' },
        },
      },
      failing: { entry: 'blink', on: { TIMER: {} } },
    },
  }),
  chart('media-player', 'LOAD READY PLAY MUTE PAUSE PLAY STOP UNMUTE ERROR PLAY LOAD READY END PLAY', {
    type: 'parallel',
    states: {
      playback: {
        initial: 'empty',
        states: {
          empty: { on: { LOAD: 'loading' } },
          loading: { on: { READY: 'ready', ERROR: 'failed' } },
          ready: {
            initial: 'stopped',
            on: { ERROR: { target: 'failed', actions: ['report', { type: 'note', params: { level: 2 } }] } },
            states: {
              stopped: { on: { PLAY: 'playing' } },
              playing: { entry: 'startClock', exit: 'stopClock', on: { PAUSE: 'paused', STOP: 'stopped', END: 'ended' } },
              paused: { on: { PLAY: 'playing', STOP: 'stopped' } },
              ended: { always: { target: 'stopped', actions: 'rewind' } },
            },
          },
          failed: { on: { LOAD: 'loading' } },
        },
      },
      volume: {
        initial: 'normal',
        states: { normal: { on: { MUTE: 'muted' } }, muted: { on: { UNMUTE: 'normal' } } },
      },
    },
  }),
  chart('order', 'PAY.FAIL PAY.OK PACK SHIP LOSE SHIP DELIVER RETURN', {
    initial: 'created',
    states: {
      created: { on: { 'PAY.OK': 'paid', 'PAY.*': { actions: 'warn' }, CANCEL: 'cancelled' } },
      paid: {
        entry: 'invoice',
        initial: 'picking',
        on: { CANCEL: { target: 'cancelled', actions: 'refund' } },
        onDone: 'shipped',
        states: {
          picking: { on: { PACK: 'packed' } },
          packed: { on: { SHIP: 'handed' } },
          handed: { type: 'final', entry: 'label' },
        },
      },
      shipped: { on: { DELIVER: '#delivered', LOSE: 'paid.packed' } },
      delivered: { id: 'delivered', type: 'final', entry: 'thank' },
      cancelled: { type: 'final' },
    },
  }),
  chart('order-cancelled', 'PAY CANCEL PAY', {
    initial: 'open',
    exit: 'archive',
    states: {
      open: { exit: 'leaveOpen', initial: 'unpaid', states: { unpaid: { on: { PAY: 'paid' } }, paid: { exit: 'leavePaid' } }, on: { CANCEL: 'cancelled' } },
      cancelled: { type: 'final', entry: 'tell', exit: 'closed' },
    },
  }),
  chart('door', 'OPEN CLOSE LOCK OPEN UNLOCK OPEN LOCK CLOSE LOCK', {
    initial: 'closed',
    states: {
      opened: { on: { CLOSE: 'closed' } },
      closed: {
        initial: 'unlocked',
        on: { OPEN: 'opened' },
        states: {
          unlocked: { on: { LOCK: 'locked' } },
          locked: { on: { UNLOCK: 'unlocked', OPEN: null } },
        },
      },
    },
  }),
  chart('calculator', 'NUM OP NUM EQ NUM C NUM CE OP EQ AC OP NUM POINT NUM OP OP PERCENT', {
    initial: 'ready',
    on: { AC: '.ready', C: { target: '.ready', actions: 'reset' } },
    states: {
      ready: {
        initial: 'begin',
        on: { NUM: 'operand1', POINT: { target: 'operand1.afterPoint', actions: 'zero' } },
        states: { begin: { on: { OP: '#negated' } }, result: { on: { OP: '#calculator.opEntered' } } },
      },
      negated: { id: 'negated', on: { NUM: 'operand1', CE: 'ready' } },
      operand1: {
        initial: 'beforePoint',
        on: { OP: 'opEntered', CE: { target: '.beforePoint', actions: 'clear' }, PERCENT: { target: 'ready.result', actions: 'percent' } },
        states: {
          beforePoint: { on: { NUM: { actions: 'digit' }, POINT: 'afterPoint' } },
          afterPoint: { on: { NUM: { actions: 'digit' } } },
        },
      },
      opEntered: { on: { NUM: 'operand2', OP: { actions: 'replaceOp' }, EQ: null } },
      operand2: {
        initial: 'beforePoint',
        on: { EQ: { target: 'ready.result', actions: ['compute', 'show'] }, OP: { target: 'opEntered', actions: 'compute' }, CE: 'opEntered' },
        states: { beforePoint: { on: { POINT: 'afterPoint' } }, afterPoint: {} },
      },
    },
  }),
  chart('wizard', 'NEXT NEXT BACK HELP RESUME NEXT HELP CLOSE NEXT NEXT SUBMIT FAIL SUBMIT OK NEXT', {
    initial: 'steps',
    states: {
      steps: {
        initial: 'name',
        on: { HELP: 'help' },
        onDone: 'sending',
        states: {
          name: { on: { NEXT: 'address' } },
          address: {
            initial: 'street',
            on: { BACK: 'name' },
            states: { street: { on: { NEXT: 'city' } }, city: { on: { NEXT: '#wizard.steps.review' } } },
          },
          review: { on: { BACK: 'address.city', SUBMIT: 'finished' } },
          finished: { type: 'final' },
          shallow: { type: 'history' },
          deep: { type: 'history', history: 'deep' },
        },
      },
      help: { on: { RESUME: 'steps.deep', CLOSE: 'steps.shallow' } },
      sending: { on: { OK: 'sent', FAIL: { target: 'steps.review', actions: 'explain' } } },
      sent: { type: 'final' },
    },
  }),
  chart('pedestrian', 'PUSH TICK TICK PUSH TICK TICK TICK', {
    type: 'parallel',
    states: {
      cars: {
        initial: 'green',
        states: {
          green: { on: { PUSH: 'amber' } },
          amber: { on: { TICK: 'red' } },
          red: { entry: 'stopCars', on: { TICK: { target: 'green', reenter: true } } },
        },
      },
      walkers: {
        initial: 'dontWalk',
        states: {
          dontWalk: { on: { TICK: 'walk' } },
          walk: { entry: 'sound', exit: 'silence', on: { TICK: 'dontWalk' } },
        },
      },
    },
  }),
  chart('login', 'SUBMIT REJECT SUBMIT REJECT SUBMIT ACCEPT LOGOUT SUBMIT ACCEPT EXPIRE RENEW', {
    initial: 'out',
    states: {
      out: {
        initial: 'idle',
        states: { idle: { on: { SUBMIT: 'checking' } }, checking: { on: { ACCEPT: '#in', REJECT: { target: 'idle', actions: 'count' } } } },
      },
      in: { id: 'in', tags: 'user', initial: 'fresh', on: { LOGOUT: 'out' }, states: { fresh: { on: { EXPIRE: 'stale' } }, stale: { on: { RENEW: 'fresh' } } } },
    },
  }),
  chart('vending', 'COIN COIN SELECT TAKE COIN REFUND COIN COIN COIN SELECT EMPTY TAKE', {
    initial: 'idle',
    states: {
      idle: { on: { COIN: { target: 'paying', actions: 'accept' } } },
      paying: {
        initial: 'some',
        on: { REFUND: { target: 'idle', actions: 'giveBack' } },
        states: { some: { on: { COIN: { target: 'enough', actions: 'accept' } } }, enough: { on: { SELECT: '#vending.serving', COIN: { actions: 'giveBack' } } } },
      },
      serving: { type: 'parallel', onDone: 'idle', states: {
        hatch: { initial: 'full', states: { full: { on: { TAKE: 'empty' } }, empty: { type: 'final' } } },
        change: { initial: 'given', states: { given: { type: 'final', entry: 'change' } } },
      } },
    },
  }),
  chart('elevator', 'CALL ARRIVE CLOSE CALL STOP RESUME ARRIVE OVERLOAD CLOSE UNLOAD CLOSE', {
    initial: 'idle',
    states: {
      idle: { on: { CALL: 'moving' } },
      moving: { entry: 'motorOn', exit: 'motorOff', on: { ARRIVE: 'open', STOP: 'halted' } },
      open: {
        initial: 'waiting',
        states: { waiting: { on: { CLOSE: '#elevator.idle', OVERLOAD: 'blocked' } }, blocked: { on: { UNLOAD: 'waiting', CLOSE: { actions: 'beep' } } } },
      },
      halted: { on: { RESUME: 'moving', '*': { actions: 'alarm' } } },
    },
  }),
  chart('thermostat', 'ON COLD WARM FAN HOT OFF ON FAN OK', {
    initial: 'off',
    states: {
      off: { on: { ON: 'on.last' } },
      on: {
        type: 'parallel',
        on: { OFF: 'off' },
        states: {
          climate: { initial: 'idle', states: {
            idle: { on: { COLD: 'heating', HOT: 'cooling' } },
            heating: { entry: 'burn', exit: 'douse', on: { WARM: 'idle', HOT: 'cooling' } },
            cooling: { on: { OK: 'idle' } },
          } },
          fan: { initial: 'auto', states: { auto: { on: { FAN: 'manual' } }, manual: { on: { FAN: 'auto' } } } },
          last: { type: 'history', history: 'deep' },
        },
      },
    },
  }),
  chart('text-editor', 'BOLD ITALIC BOLD BULLETS NUMBERS ITALIC RESET NONE', {
    type: 'parallel',
    on: { RESET: { target: ['.bold.off', '.italic.off', '.list.none'], actions: 'plain' } },
    states: {
      bold: { initial: 'off', states: { off: { on: { BOLD: 'on' } }, on: { on: { BOLD: 'off' } } } },
      italic: { initial: 'off', states: { off: { on: { ITALIC: 'on' } }, on: { on: { ITALIC: 'off' } } } },
      list: { initial: 'none', states: {
        none: { on: { BULLETS: 'bullets', NUMBERS: 'numbers' } },
        bullets: { on: { NONE: 'none', NUMBERS: 'numbers' } },
        numbers: { on: { NONE: 'none', BULLETS: 'bullets' } },
      } },
    },
  }),
  chart('stopwatch', 'START LAP LAP STOP RESET START STOP START', {
    initial: 'zero',
    states: {
      zero: { on: { START: 'running' } },
      running: {
        entry: 'startTimer', exit: 'stopTimer', on: { STOP: 'stopped' },
        initial: 'live', states: { live: { on: { LAP: 'lap' } }, lap: { on: { LAP: 'live' } } },
      },
      stopped: { on: { START: 'running', RESET: 'zero' } },
    },
  }),
  chart('watch', 'A A B C D A C.up C.down A LOW A NEW', {
    type: 'parallel',
    states: {
      main: {
        initial: 'time',
        states: {
          time: { on: { A: 'alarm', D: 'set' } },
          alarm: { on: { A: 'stopwatch', B: { actions: 'toggleAlarm' } } },
          stopwatch: { on: { A: 'time' } },
          set: { initial: 'hour', on: { A: 'time' }, states: { hour: { on: { 'C.*': { target: 'minute', reenter: true }, C: 'minute' } }, minute: { on: { 'C.down': 'hour', 'C.*': { actions: 'spin' } } } } },
        },
      },
      battery: { initial: 'good', states: { good: { on: { LOW: 'low' } }, low: { entry: 'blink', on: { NEW: 'good' } } } },
    },
  }),
  chart('game', 'START HIT HIT PAUSE RESUME DIE START WIN START', {
    initial: 'menu',
    entry: 'boot',
    exit: 'quit',
    states: {
      menu: { on: { START: 'playing' } },
      playing: {
        initial: { target: 'alive', actions: ['spawn', 'music'] },
        on: { PAUSE: 'paused', WIN: 'won' },
        onDone: { target: 'menu', actions: 'gameOver' },
        states: { alive: { on: { HIT: 'hurt', DIE: 'dead' } }, hurt: { always: { target: 'alive', actions: 'flash' } }, dead: { type: 'final' }, resume: { history: 'deep' } },
      },
      paused: { on: { RESUME: 'playing.resume' } },
      won: { type: 'final', entry: 'fanfare' },
    },
  }),
  chart('reentry', 'IN OUT DEEP SELF REENTER CHILD CHILD.REENTER PARENT', {
    initial: 'a',
    states: {
      a: {
        entry: 'inA', exit: 'outA', initial: 'b',
        on: {
          SELF: 'a', REENTER: { target: 'a', reenter: true }, CHILD: '.b', 'CHILD.REENTER': { target: '.b', reenter: true },
          IN: { target: '.c' }, PARENT: '#reentry', OUT: { actions: 'noted' }, DEEP: { target: '#deep', reenter: false },
        },
        states: { b: { entry: 'inB', exit: 'outB' }, c: { entry: 'inC', exit: 'outC', initial: 'd', states: { d: { id: 'deep', entry: 'inD', exit: 'outD' } } } },
      },
    },
  }),
  chart('root-targets', 'X Y Z X ALL Y HOME', {
    initial: 'x',
    entry: 'inRoot', exit: 'outRoot',
    on: { X: '.x', Y: { target: '.y', reenter: true }, Z: '#root-targets.z', ALL: { target: '#root-targets', reenter: true }, HOME: '#root-targets' },
    states: { x: { entry: 'inX', exit: 'outX' }, y: { entry: 'inY', exit: 'outY' }, z: { exit: 'outZ' } },
  }),
  chart('nested-parallel', 'GO STEP STEP BACK GO STEP FINISH FINISH', {
    initial: 'out',
    states: {
      out: { on: { GO: '#np' } },
      work: {
        id: 'np', type: 'parallel', onDone: { target: 'out', actions: 'allDone' }, on: { BACK: 'out' },
        states: {
          left: { type: 'parallel', onDone: { actions: 'leftDone' }, states: {
            l1: { initial: 'p', states: { p: { on: { STEP: 'q' } }, q: { on: { FINISH: 'r' } }, r: { type: 'final' } } },
            l2: { initial: 'p', states: { p: { on: { STEP: 'r' } }, r: { type: 'final', entry: 'l2Done' } } },
          } },
          right: { initial: 'p', onDone: { actions: 'rightDone' }, states: { p: { on: { FINISH: 'r' } }, r: { type: 'final' } } },
        },
      },
    },
  }),
  chart('parallel-done', 'A B A C', {
    type: 'parallel', exit: 'bye',
    states: {
      one: { exit: 'outOne', initial: 'p', states: { p: { on: { A: 'r' } }, r: { type: 'final', exit: 'outR' } } },
      two: { initial: 'p', onDone: { actions: 'never' }, states: { p: { on: { B: 'r' } }, r: { type: 'final' } } },
    },
  }),
  chart('wildcards', 'mouse.click.left mouse.click mouse.move mouse key key.down other mouse.click.left', {
    initial: 'a',
    on: { '*': { actions: 'anything' }, 'key.*': '.b' },
    states: {
      a: { on: { 'mouse.click.*': 'b', 'mouse.*': { actions: 'mouse' }, 'mouse.move': { actions: 'move' } } },
      b: { on: { 'mouse.*': null, key: 'a', 'key.*': {} } },
    },
  }),
  chart('done-and-wildcard', 'GO GO STOP GO', {
    initial: 'p',
    states: {
      p: { initial: 'x', on: { '*': { target: 'q', actions: 'caught' } }, states: { x: { on: { GO: 'f' } }, f: { type: 'final' } } },
      q: { on: { GO: 'p' } },
    },
  }),
  chart('history-defaults', 'SHALLOW NEXT AWAY SHALLOW AWAY DEEP NEXT NEXT AWAY DEEP AWAY NAMED AWAY', {
    initial: 'away',
    states: {
      away: { on: { SHALLOW: 'home.shallow', DEEP: 'home.deep', NAMED: 'home.c.named' } },
      home: {
        initial: { target: 'a', actions: 'homeInitial' },
        on: { AWAY: 'away' },
        states: {
          a: { on: { NEXT: 'b' } },
          b: { initial: 'b1', states: { b1: { on: { NEXT: 'b2' } }, b2: { entry: 'inB2' } } },
          c: { initial: 'c1', states: { c1: {}, c2: { entry: 'inC2' }, named: { type: 'history', target: 'c2' } } },
          shallow: { type: 'history', history: 'shallow' },
          deep: { type: 'history', history: 'deep', target: 'b.b2' },
        },
      },
    },
  }),
  chart('initial-history', 'OUT IN NEXT OUT IN', {
    initial: 'p',
    states: {
      p: { initial: 'h', on: { OUT: 'q' }, states: { h: { type: 'history', target: 'a' }, a: { entry: 'inA', on: { NEXT: 'b' } }, b: { entry: 'inB' } } },
      q: { on: { IN: 'p' } },
    },
  }),
  chart('always-chain', 'GO BACK GO LOOP GO', {
    initial: 'a',
    states: {
      a: { on: { GO: 'b', LOOP: 'e' } },
      b: { entry: 'inB', always: { target: 'c', actions: 'bc' } },
      c: { always: [{ target: 'd', actions: 'cd' }, 'a'], exit: 'outC' },
      d: { on: { BACK: 'a', LOOP: 'e' } },
      e: { always: 'f' },
      f: { always: 'e' },
    },
  }),
  chart('always-actions', 'NEXT NEXT OTHER STAY', {
    initial: 'a',
    states: {
      a: { always: { actions: 'stillHere' }, on: { NEXT: 'b', STAY: { actions: 'stay' } } },
      b: { initial: 'x', always: { actions: 'parent' }, states: { x: { on: { NEXT: 'y', STAY: { actions: 'stay' } } }, y: { always: { target: 'y', reenter: true, actions: 'once' }, on: { STAY: { actions: 'stay' } } } } },
    },
  }),
  chart('regions-conflict', 'E BACK F BACK G BACK H', {
    initial: 'p',
    states: {
      p: {
        type: 'parallel',
        states: {
          r1: { initial: 'x', states: { x: { on: { E: '#out', F: 'y', G: 'y', H: { actions: 'h1' } } }, y: {} } },
          r2: { initial: 'x', on: { F: '#out' }, states: { x: { on: { E: 'y', G: '#out', H: { target: '#rc1y', actions: 'h2' } } }, y: {} } },
          r3: { initial: 'x', states: { x: {}, y: { id: 'rc1y' } } },
        },
        on: { H: 'out' },
      },
      out: { id: 'out', on: { BACK: 'p' } },
    },
  }),
  chart('names', 'next toString next. a.b A\\B', {
    initial: 'dotted.name',
    states: {
      'dotted.name': { on: { next: 'with space', toString: 'ünï — 状態' } },
      'with space': { on: { next: 'dotted\\.name', 'a.b': 'back\\\\slash' } },
      'ünï — 状態': { on: { 'next.': 'with space' } },
      'back\\slash': { initial: 'quo"te', on: { 'A\\B': 'back\\\\slash.semi;colon' }, states: { 'quo"te': {}, 'semi;colon': { entry: 'α' } } },
    },
  }),
  chart('subscription', 'trial.end pay.fail pay.ok pause resume cancel reactivate cancel period.end pay.ok', {
    initial: 'trial',
    states: {
      trial: { on: { 'trial.end': 'active', cancel: 'ended' } },
      active: {
        initial: 'paid',
        on: { cancel: 'cancelling', pause: 'paused' },
        states: { paid: { on: { 'pay.fail': 'overdue' } }, overdue: { entry: 'remind', on: { 'pay.ok': 'paid', 'pay.*': { actions: 'remind' } } }, was: { history: 'shallow' } },
      },
      paused: { on: { resume: 'active.was' } },
      cancelling: { on: { reactivate: 'active.was', 'period.end': 'ended' } },
      ended: { type: 'final', entry: 'goodbye' },
    },
  }),
  chart('phone', 'DIAL DIGIT DIGIT CONNECT HOLD HANGUP RING ANSWER HANGUP RING RING HANGUP', {
    initial: 'idle',
    states: {
      idle: { on: { DIAL: 'dialing', RING: 'ringing' } },
      dialing: { on: { DIGIT: { target: 'dialing', reenter: true, actions: 'store' }, CONNECT: 'call', HANGUP: 'idle' }, entry: 'tone', exit: 'noTone' },
      ringing: { tags: ['loud'], on: { ANSWER: 'call', HANGUP: 'idle', RING: { target: 'ringing' } }, entry: 'ring' },
      call: { initial: 'talking', on: { HANGUP: { target: 'idle', actions: 'bill' } }, states: { talking: { on: { HOLD: 'held' } }, held: { on: { HOLD: 'talking' } } } },
    },
  }),
  chart('upload', 'ADD START CHUNK CHUNK FAIL RETRY CHUNK DONE VERIFY ADD', {
    type: 'parallel',
    states: {
      file: { initial: 'none', states: {
        none: { on: { ADD: 'queued' } },
        queued: { on: { START: 'sending' } },
        sending: { on: { CHUNK: { actions: 'progress' }, FAIL: 'failed', DONE: 'sent' } },
        failed: { on: { RETRY: 'sending' } },
        sent: { type: 'final' },
      } },
      check: { initial: 'waiting', states: { waiting: { on: { 'xstate.done.state.*': 'ready' } }, ready: { on: { VERIFY: 'verified' } }, verified: { type: 'final' } } },
    },
  }),
];
