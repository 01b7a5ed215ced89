// What a page keeps of what has happened, and when the server hears that it has it.
import assert from "node:assert/strict";
import test from "node:test";

import { INITIAL, Keeper } from "./parts.mjs";

// What a browser has, and Node has not.
Object.assign(globalThis, { document: { visibilityState: "visible" }, location: { pathname: "/" } });
globalThis.sessionStorage = { setItem: (key, value) => stored.push([key, JSON.parse(value).version]), removeItem: () => {} };
const stored = [];

test("what the model cannot take is told once, and what comes after it is kept", async () => {
    let isBroken = true;
    const store = {
        get model() {
            if (isBroken) throw new Error("a fault");
            return INITIAL;
        },
    };
    const told = [];
    const keeper = new Keeper(store, () => true, (kept) => told.push(kept));
    keeper.changed();
    const { kept } = keeper;
    assert.throws(() => keeper.keep(), { message: "a fault" });
    await kept;
    isBroken = false;
    keeper.changed();
    assert.notEqual(keeper.kept, kept);
    keeper.keep();
    await keeper.kept;
    assert.deepEqual([told, stored], [["whole"], [["chatcore.log /", 3]]]);
});
