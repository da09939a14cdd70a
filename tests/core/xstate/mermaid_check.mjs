// Parses diagrams with the real Mermaid: lines of {"name", "text"} come on stdin, the name and the fault of each that
// is refused go to stdout.

import { readFileSync } from 'node:fs';

import { JSDOM } from 'jsdom';

const { window } = new JSDOM('');
globalThis.window = window;
globalThis.document = window.document;

const { default: mermaid } = await import('mermaid');
mermaid.initialize({ maxTextSize: 1_000_000, maxEdges: 100_000 });
for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const { name, text } = JSON.parse(line);
  try {
    const { diagramType } = await mermaid.parse(text);
    if (diagramType !== 'stateDiagram') console.log(`${name}: taken for ${diagramType}`);
  } catch (error) {
    console.log(`${name}: ${error.message}`);
  }
}
