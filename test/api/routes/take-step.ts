// A call of one route, kept for whoever counts what was called.
import type { Answered } from './management-app.ts';

/** The path as declared, without /api/v1. */
export type TakeStep = (
  method: string,
  path: string,
  ids: Record<string, string>,
  body: object,
  headers?: Record<string, string>,
) => Promise<Answered>;
