// Writes a live machine of XState 5 as JSON that SM.SET takes. It needs Node and no packages of its own.
//
//     node tools/portable_chart.mjs ./machine.mjs [exportName] [--partial] > order.json
//
// Names stay names. Combinators and built-in actions become data. For all other code the path is told where a name or
// an expression is missing; then nothing is written, and the exit status is 1 (2: there is no machine to write).
// --partial writes it all the same, with the code's text where an expression belongs and null where a name does: the
// server refuses both, so that nothing runs unguarded by mistake.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const COMBINATORS = {
  checkAnd: "xstate.and", checkOr: "xstate.or", checkNot: "xstate.not", checkStateIn: "xstate.stateIn",
};
const TRANSITIONS = new Set(["always", "initial", "onDone", "onError", "onSnapshot", "onTimeout", "route"]);
// What only tools read; validators among them are no JSON.
const FOR_TOOLS = new Set(["types", "schema", "schemas", "tsTypes"]);
// What the server has to do itself, so that a name in its place would be an effect that nobody can run.
const SERVERS_OWN = new Set(["xstate.assign", "xstate.raise", "xstate.cancel", "xstate.enqueueActions"]);

const missing = [];
const usedActions = new Set();
const usedDelays = new Set();

const at = (path, name) => path + (/^[A-Za-z_$][\w$-]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`);

const members = (value, path, each) =>
  Object.fromEntries(
    Object.entries(value)
      .map(([name, inner]) => [name, each(inner, at(path, name), name)])
      .filter(([, inner]) => inner !== undefined),
  );

const oneOrList = (value, path, each) =>
  Array.isArray(value) ? value.map((inner, index) => each(inner, `${path}[${index}]`)) : each(value, path);

function expression(path, code) {
  missing.push(`${path}: code, where a value or an expression belongs`);
  return { "@expr": String(code) };
}

function name(path, what) {
  missing.push(`${path}: code, where the name of ${what} belongs`);
  return null;
}

function data(value, path) {
  if (value === undefined || value === null || ["string", "boolean"].includes(typeof value)) return value;
  if (typeof value === "function") return expression(path, value);
  if (Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((inner, index) => data(inner, `${path}[${index}]`) ?? null);
  if (typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    return members(value, path, data);
  }
  const kind = typeof value === "object" ? value.constructor?.name : String(value);
  missing.push(`${path}: ${kind}, which JSON does not have`);
  return { "@expr": `not JSON: ${kind}` };
}

function guard(value, path) {
  if (typeof value !== "function") return data(value, path);
  const type = COMBINATORS[value.check?.name];
  if (type === "xstate.stateIn") return { type, stateValue: data(value.stateValue, at(path, "stateValue")) };
  if (type === "xstate.not") return { type, guard: guard(value.guards[0], at(path, "guard")) };
  if (type !== undefined) return { type, guards: oneOrList(value.guards, at(path, "guards"), guard) };
  name(path, "a guard, or an expression,");
  return { "@expr": String(value) };
}

function delay(value, path) {
  if (typeof value === "string") usedDelays.add(value);
  return data(value, path);
}

const BUILT_IN = {
  "xstate.assign": ({ assignment }) => ({ context: assignment }),
  "xstate.raise": ({ event, delay, id }) => ({ event, delay, id }),
  "xstate.cancel": ({ sendId }) => ({ id: sendId }),
  "xstate.emit": ({ event }) => ({ event }),
  "xstate.log": ({ value, label }) => ({ args: label ? [label, value] : [value] }),
};

function action(value, path) {
  if (typeof value === "function") {
    const parts = BUILT_IN[value.type]?.(value);
    if (parts === undefined) return name(path, value.type ? `an action that does ${value.type}` : "an action");
    return {
      type: `@${value.type}`,
      ...members(parts, path, (inner, place, part) => (part === "delay" ? delay : data)(inner, place)),
    };
  }
  usedActions.add(typeof value === "string" ? value : value?.type);
  return data(value, path);
}

function transition(value, path) {
  if (value === undefined) return {}; // forbidden: an object that says nothing is how JSON says it
  if (value === null || typeof value !== "object") return data(value, path);
  return members(value, path, (inner, place, member) => {
    if (member === "guard") return guard(inner, place);
    return member === "actions" ? oneOrList(inner ?? [], place, action) : data(inner, place);
  });
}

function task(value, path) {
  return members(value, path, (inner, place, member) => {
    if (member === "src" && typeof inner !== "string") return name(place, "a task");
    return TRANSITIONS.has(member) && inner ? oneOrList(inner, place, transition) : data(inner, place);
  });
}

function state(value, path) {
  return members(value, path, (inner, place, member) => {
    if (inner === undefined || FOR_TOOLS.has(member)) return undefined;
    if (member === "states") return members(inner, place, state);
    if (member === "entry" || member === "exit") return oneOrList(inner, place, action);
    if (member === "invoke") return oneOrList(inner, place, task);
    if (member === "after") Object.keys(inner).filter((key) => Number.isNaN(+key)).forEach((key) => usedDelays.add(key));
    if (member === "on" || member === "after") {
      return members(inner, place, (one, each) => oneOrList(one, each, transition));
    }
    return TRANSITIONS.has(member) ? oneOrList(inner, place, transition) : data(inner, place);
  });
}

// The meaning of the names that are used. XState does not read a config's own "actions" and "delays": they are the
// server's, and stand as they are.
function portable({ config, implementations }) {
  const document = state(config, "$");
  const add = (member, name, value) => (document[member] = { [name]: value, ...document[member] });
  const given = (member, name) => Object.hasOwn(document[member] ?? {}, name);
  for (const used of usedActions) {
    const done = implementations.actions[used];
    if (SERVERS_OWN.has(done?.type) && !given("actions", used)) add("actions", used, action(done, at("$.actions", used)));
  }
  for (const [name, value] of Object.entries(implementations.delays)) {
    if (typeof value === "number") add("delays", name, value);
  }
  for (const used of usedDelays) {
    if (given("delays", used)) continue;
    const place = at("$.delays", used);
    if (implementations.delays[used] === undefined) missing.push(`${place}: setup has no delay of this name`);
    else add("delays", used, { duration: expression(at(place, "duration"), implementations.delays[used]) });
  }
  return document;
}

const isMachine = (one) => one?.config !== undefined && one?.implementations !== undefined;

async function load(file, exportName) {
  const exported = await import(pathToFileURL(resolve(file)).href);
  if (exportName !== undefined) {
    if (!isMachine(exported[exportName])) throw new Error(`${file} exports no machine '${exportName}'`);
    return exported[exportName];
  }
  if (isMachine(exported.default)) return exported.default;
  const names = Object.keys(exported).filter((one) => isMachine(exported[one]));
  if (names.length === 1) return exported[names[0]];
  throw new Error(names.length ? `${file} exports ${names.join(", ")}: say which` : `${file} exports no machine`);
}

console.log = console.error; // what the machine's own modules print is no part of the document

function end(status, text = "") {
  process.stdout.write(text, () => process.exit(status)); // a module may have started what keeps Node running
}

try {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { partial: { type: "boolean" } } });
  if (positionals.length < 1 || positionals.length > 2) {
    throw new Error("usage: node portable_chart.mjs ./machine.mjs [exportName] [--partial] > order.json");
  }
  const document = portable(await load(...positionals));
  for (const place of missing) console.error(place);
  const written = missing.length === 0 || values.partial;
  if (!written) console.error("nothing was written; --partial writes the rest, with the code in these places");
  end(missing.length === 0 ? 0 : 1, written ? `${JSON.stringify(document, null, 2)}\n` : "");
} catch (error) {
  console.error(error?.message ?? error);
  end(2);
}
