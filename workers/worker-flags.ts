// How a worker is started, whoever starts it: its heaps and its allocator are set up before workers/main.ts is read (D113).

/** V8 lets the young generation of each thread grow while much survives, as in a burst of renewals, and is slow to give it back. */
export const WORKER_V8_FLAGS = ['--max-semi-space-size=4'] as const;

/** Of glibc: an arena keeps what a thread needed once, and by itself each of the SDK's threads may have one. */
export const WORKER_ALLOCATOR = { MALLOC_ARENA_MAX: '2' } as const;
