// What a page answers with: itself, or the way to another one.

export interface PageAnswer {
  readonly status: number;
  /** Null: stay here. */
  readonly location: string | null;
  readonly body: string;
}

export function shows(body: string, status = 200): PageAnswer {
  return { status, location: null, body };
}

export function goesTo(location: string): PageAnswer {
  return { status: 303, location, body: '' };
}
