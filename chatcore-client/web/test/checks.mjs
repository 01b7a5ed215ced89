// What the scenarios of the suite share: they run where there is no library for tests.

/** Fails with both values if they differ. */
export function equal(value, expected, what) {
    const text = (value) => JSON.stringify(value, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
    if (text(value) !== text(expected)) throw new Error(`${what}: ${text(value)} and not ${text(expected)}`);
}

/** The error with which a promise is rejected. */
export async function rejected(promise) {
    try {
        await promise;
    } catch (error) {
        return error;
    }
    throw new Error("it is not rejected");
}

/** The detail of the next event for which this holds. */
export function next(client, type, holds = () => true) {
    return new Promise((resolve) => {
        const listener = ({ detail }) => {
            if (!holds(detail)) return;
            client.removeEventListener(type, listener);
            resolve(detail);
        };
        client.addEventListener(type, listener);
    });
}

/** The texts of all messages that come. */
export function texts(client) {
    const all = [];
    client.addEventListener("message", ({ detail }) => all.push(detail.text));
    return all;
}

/** Connections that a test can cut, and keep from being made. */
export function cuttable(WebSocket) {
    const sockets = [];
    const line = { isOut: false, isMute: false, cut: () => sockets.at(-1).close() };
    line.WebSocket = class extends WebSocket {
        constructor(...given) {
            if (line.isOut) throw new Error("the line is out");
            super(...given);
            sockets.push(this);
        }

        /** Nothing arrives while it `isMute`, and nobody is told. */
        send(bytes) {
            if (!line.isMute) super.send(bytes);
        }
    };
    return line;
}
