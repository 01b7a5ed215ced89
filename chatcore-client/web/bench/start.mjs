// One start, in a process of its own: milliseconds from the import to a client that can be made, and to its first message.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { sendOne } from "./measure.mjs";

const [name, bundle, module] = process.argv.slice(2);
const wasm = module === undefined ? undefined : readFileSync(module);
const begun = performance.now();
const library = await import(pathToFileURL(bundle));
await library.prepare(wasm);
const ready = performance.now() - begun;
await sendOne(name, library);
process.stdout.write(JSON.stringify({ ready, first: performance.now() - begun }), () => process.exit());
