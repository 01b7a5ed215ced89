// What the tests in Node see of the page: the parts that need no browser.
export { reduce } from "../src/model/reduce.ts";
export { restore, snapshot } from "../src/model/snapshot.ts";
export { readStored } from "../src/model/stored.ts";
export { INITIAL } from "../src/model/types.ts";
export { claim } from "../src/session/claim.ts";
export { keepLog, keptLog } from "../src/session/keep.ts";
export { Keeper } from "../src/session/keeper.ts";
export { listen } from "../src/session/listen.ts";
export { Requests } from "../src/session/requests.ts";
export { Store } from "../src/session/store.ts";
export { ended, failure, refused, unsent, why } from "../src/session/words.ts";
export { complete, wordBefore } from "../src/text/complete.ts";
export { fold } from "../src/text/fold.ts";
export { mentions } from "../src/text/mentions.ts";
export { roomOf, userOf } from "../src/text/names.ts";
export { plain, shape } from "../src/text/shape.ts";
export { bounds } from "../src/view/window.ts";
