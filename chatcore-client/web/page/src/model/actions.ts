import type { Link, OwnState, Phase, User } from "./types.ts";

/** What happens: events of the client, and what the person does. */
export type Action =
    | { readonly type: "phase"; readonly phase: Phase }
    | { readonly type: "link"; readonly link: Link }
    | { readonly type: "warning"; readonly words: string | null }
    | { readonly type: "failure"; readonly words: string | null }
    | { readonly type: "me"; readonly user: User }
    /** A session has begun, and the page joins its rooms; or that is done. */
    | { readonly type: "beginning"; readonly isBeginning: boolean }
    /** The server has forgotten the session: we are in no room any more. */
    | { readonly type: "lost" }
    | { readonly type: "seen"; readonly isSeen: boolean }
    | { readonly type: "open"; readonly name: string }
    | { readonly type: "draft"; readonly name: string; readonly text: string }
    /** `instead` is the key of a message that is sent again; null for a new one. */
    | {
          readonly type: "say";
          readonly to: string;
          readonly text: string;
          readonly key: number;
          readonly instead: number | null;
      }
    | {
          readonly type: "state";
          readonly to: string;
          readonly key: number;
          readonly state: OwnState;
          readonly id: bigint | null;
          readonly time: number | null;
          readonly why: string | null;
      }
    | { readonly type: "report"; readonly to: string; readonly ids: readonly bigint[]; readonly status: string }
    | {
          readonly type: "message";
          readonly id: bigint;
          readonly from: string;
          readonly room: string | null;
          readonly text: string;
          readonly time: number;
      }
    | { readonly type: "sent"; readonly id: bigint; readonly to: string; readonly text: string; readonly time: number }
    | { readonly type: "missed"; readonly room: string; readonly count: bigint }
    | { readonly type: "entered"; readonly room: string }
    /** We are not in a room in which we were, or want to be; the next session tries again if it `isWanted` still. */
    | { readonly type: "outside"; readonly room: string; readonly why: string; readonly isWanted: boolean }
    | { readonly type: "closed"; readonly name: string }
    | { readonly type: "joined"; readonly room: string; readonly user: User }
    | { readonly type: "left"; readonly room: string; readonly name: string; readonly isRenamed: boolean }
    /** The roster of a room is asked for from now on. */
    | { readonly type: "asking"; readonly room: string }
    | { readonly type: "roster"; readonly room: string; readonly users: readonly User[] }
    | { readonly type: "stale"; readonly room: string }
    | { readonly type: "presence"; readonly name: string; readonly isOnline: boolean }
    | { readonly type: "notice"; readonly name: string; readonly text: string };
