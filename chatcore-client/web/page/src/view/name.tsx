import type { JSX } from "preact";

import { plain } from "../text/shape.ts";

const HUES = 8;

/** A colour that a name keeps. */
function hue(name: string): string {
    let hash = 0;
    for (const unit of name) hash = (hash * 31 + (unit.codePointAt(0) ?? 0)) >>> 0;
    return `hue-${hash % HUES}`;
}

/** A name, whose direction stays inside. */
export const Name = ({
    name,
    shown,
    isColoured = false,
}: {
    name: string;
    shown?: string | null | undefined;
    isColoured?: boolean;
}): JSX.Element => (
    <bdi class={isColoured ? `name ${hue(name)}` : "name"} title={plain(name)}>
        {plain(shown ?? name)}
    </bdi>
);
