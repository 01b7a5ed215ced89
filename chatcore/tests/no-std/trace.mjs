// Runs the simulator as WebAssembly and shows the trace: `node trace.mjs FILE RUNS`. Fails if the module imports anything:
// the core does no I/O, so it needs nothing of whoever runs it. Fails, too, if the device of the example `serial_no_std`
// does not report.
import { readFileSync } from "node:fs";

const [file, runs] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(file));
const imports = WebAssembly.Module.imports(module).map(({ module, name }) => `${module}.${name}`);
if (imports.length > 0) {
    console.error(`${file} imports ${imports.join(", ")}`);
    process.exit(1);
}
const { reports, trace } = new WebAssembly.Instance(module).exports;
const minutes = 5;
if (reports(minutes) !== minutes + 2) {
    console.error(`${reports(minutes)} reports of the device come in ${minutes} minutes, and not ${minutes + 2}`);
    process.exit(1);
}
console.log(BigInt.asUintN(64, trace(1n, BigInt(runs))).toString(16).padStart(16, "0"));
