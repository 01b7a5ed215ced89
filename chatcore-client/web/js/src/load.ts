import * as glue from "./engine/engine_bg.js";
import { ChatError } from "./error.ts";

/** Bytes of the module, or where they are. */
type Bytes = string | URL | Response | ArrayBuffer | ArrayBufferView<ArrayBuffer>;

/** Where the module may come from. */
export type Source = Bytes | WebAssembly.Module;

declare const VERSION: string;

/** Set in Node, and in what imitates it. */
declare const process: { getBuiltinModule?(name: string): { readFile(path: URL): Promise<Uint8Array<ArrayBuffer>> } } | undefined;

let loading: Promise<void> | undefined;
let isLoaded = false;
let fault: ChatError | undefined;

/**
 * Loads the WebAssembly module: once, before the first client is made. Further calls give the same promise; after one that has
 * failed, the next one tries again.
 *
 * Without a source it is the file `chatcore.wasm` beside the script, which bundlers find by its URL. It may be a URL, a
 * `Response`, bytes or a module that is compiled already.
 *
 * @throws {ChatError} `wasm_missing`, `wasm_blocked` by a content security policy, `wasm_wrong` or `wasm_version`.
 */
export function load(source?: Source | Promise<Source>): Promise<void> {
    loading ??= begin(source).catch((error: unknown) => {
        loading = undefined;
        throw error;
    });
    return loading;
}

async function begin(source?: Source | Promise<Source>): Promise<void> {
    const given = (await source) ?? new URL("./chatcore.wasm", import.meta.url);
    const module = await compiled(given);
    let exports;
    try {
        const instance = await WebAssembly.instantiate(module, { "./engine_bg.js": glue as unknown as WebAssembly.ModuleImports });
        exports = instance.exports as typeof instance.exports & { __wbindgen_start(): void };
        glue.__wbg_set_wasm(exports);
        exports.__wbindgen_start();
        if (glue.version() !== VERSION) throw new ChatError("wasm_version", false, versions(glue.version()));
    } catch (error) {
        if (error instanceof ChatError) throw error;
        if (isBlocked(error)) throw blocked(error);
        throw new ChatError("wasm_wrong", false, "this WebAssembly module is not that of this version of chatcore: take chatcore.wasm and the script from one package", { cause: error });
    }
    isLoaded = true;
}

const versions = (version: string): string =>
    `chatcore.wasm is of version ${version} and the script of ${VERSION}: take both from one package`;

async function compiled(source: Source): Promise<WebAssembly.Module> {
    if (source instanceof WebAssembly.Module) return source;
    const bytes = await bytesOf(source as Bytes);
    try {
        return await WebAssembly.compile(bytes);
    } catch (error) {
        if (isBlocked(error)) throw blocked(error);
        throw new ChatError("wasm_wrong", false, "what was loaded as chatcore.wasm is no WebAssembly: does the server have the file?", { cause: error });
    }
}

async function bytesOf(source: Bytes): Promise<ArrayBuffer | ArrayBufferView<ArrayBuffer>> {
    if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return source;
    const response = source instanceof Response ? source : await fetched(source);
    if ("byteLength" in response) return response;
    if (!response.ok) throw missing(`${response.url || "the source"} answers ${response.status}`);
    try {
        return await response.arrayBuffer();
    } catch (error) {
        throw missing(`${response.url || "the source"} breaks off`, error);
    }
}

async function fetched(source: string | URL): Promise<Response | Uint8Array<ArrayBuffer>> {
    try {
        const url = source instanceof URL ? source : new URL(source, globalThis.location?.href ?? import.meta.url);
        // Node's `fetch` reads no files.
        const files = url.protocol === "file:" && typeof process === "object" ? process?.getBuiltinModule?.("node:fs/promises") : undefined;
        return files === undefined ? await fetch(url) : await files.readFile(url);
    } catch (error) {
        throw missing(`${source} cannot be loaded`, error);
    }
}

const missing = (what: string, cause?: unknown): ChatError =>
    new ChatError("wasm_missing", true, `${what}: serve the package's chatcore.wasm, or give load() the place where it is`, { cause });

/** A policy that forbids WebAssembly is told by words alone. */
const isBlocked = (error: unknown): boolean => /content.security.policy|unsafe-eval|disallowed by embedder/i.test(String(error));

const blocked = (cause: unknown): ChatError =>
    new ChatError("wasm_blocked", false, "the page's content security policy forbids WebAssembly: its script-src needs 'wasm-unsafe-eval'", { cause });

/** @internal */
export type Module = typeof glue;

/**
 * Calls the module. What it throws that is no error of the package is a fault, after which it is of no use to any client.
 *
 * @internal
 * @throws {ChatError} What it throws; `not_loaded`; or `fault`, of this call or of one before.
 */
export function call<T>(work: (module: Module) => T): T {
    if (fault !== undefined) throw fault;
    if (!isLoaded) throw new ChatError("not_loaded", false, "the module is not loaded: await load() first");
    try {
        return work(glue);
    } catch (error) {
        if (error instanceof ChatError) throw error;
        fault = new ChatError("fault", false, "chatcore has a fault, and cannot go on: load the page anew", { cause: error });
        throw fault;
    }
}
