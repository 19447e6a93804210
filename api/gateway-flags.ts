// How V8 is to run a gateway process; api/main.ts starts it so.

/**
 * V8 allocates what a literal makes in old space once most of what it made before survived. While requests wait, for their first
 * lease say, the objects of a request do. From then on each one is born old, dies there, and keeps all that its request made alive
 * until the next full collection: a scavenge of 43 MB promoted 10.5 MB and took 40 ms, for good; without it 0.2 MB (D27).
 */
export const GATEWAY_V8_FLAGS = ['--no-allocation-site-pretenuring'] as const;
