// A session may end while its pages are open: whoever is refused for that says so here, and the router shows the way in.
import { isSignedOut } from './problem.ts';

const listeners = new Set<() => void>();

export function onSignedOut(listener: () => void): void {
  listeners.add(listener);
}

export function hearOf(thrown: unknown): void {
  if (!isSignedOut(thrown)) return;
  for (const listener of listeners) listener();
}
