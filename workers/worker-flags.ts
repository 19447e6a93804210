// How a worker is started, whoever starts it: its heaps and its allocator are set up before workers/main.ts is read (D113).

/**
 * Of each thread. V8 lets the young generation grow while much survives, as in a burst of renewals, and is slow to give it back. And the more
 * room the old one has, the later it is collected, and with it the buffers that hang on it: with the gigabytes that V8 takes by itself, at four
 * times of what lives; with this much, at 1.4 times (D126). Some 40 MB live, so no work comes near to it.
 */
export const WORKER_V8_FLAGS = ['--max-semi-space-size=4', '--max-old-space-size=512'] as const;

/** Of glibc: an arena keeps what a thread needed once, and by itself each of the SDK's threads may have one. */
export const WORKER_ALLOCATOR = { MALLOC_ARENA_MAX: '2' } as const;
