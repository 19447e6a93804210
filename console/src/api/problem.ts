// A refusal of the API (RFC 9457) as the pages use it: by its code, and field by field.

interface ProblemDetails {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly instance?: unknown;
  readonly errors?: unknown;
}

export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly code: string;
  /** Null: there was no request that anybody could look up. */
  readonly requestId: string | null;
  readonly fields: readonly string[];
  /** Null: the API did not say when to come again. */
  readonly retryAfterS: number | null;

  private constructor(status: number, details: ProblemDetails, retryAfterS: number | null) {
    super(text(details.detail) ?? `answered ${status}`);
    this.status = status;
    this.code = text(details.code) ?? 'internal_error';
    this.requestId = text(details.instance);
    this.fields = fieldsIn(details.errors);
    this.retryAfterS = retryAfterS;
  }

  static of(response: Response, body: unknown): Problem {
    const details: ProblemDetails = typeof body === 'object' && body !== null ? body : {};
    const seconds = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
    return new Problem(response.status, details, Number.isNaN(seconds) ? null : seconds);
  }

  /** As the gateway tells it to clients of OpenAI. */
  static ofGateway(response: Response, body: unknown): Problem {
    const { code, message } = (body as { readonly error?: { code?: unknown; message?: unknown } } | null)?.error ?? {};
    return Problem.of(response, { code, detail: message });
  }

  /** Of what a device of his refused, before anybody asked us. */
  static ofDevice(code: string): Problem {
    return new Problem(0, { code }, null);
  }

  /** Of what a page found out itself. */
  static ofPage(code: string): Problem {
    return new Problem(0, { code }, null);
  }

  /** The same, about something that was entered. */
  static ofField(code: string, field: string): Problem {
    return new Problem(0, { code, errors: [{ field }] }, null);
  }

  static unreachable(): Problem {
    return new Problem(0, { code: 'unreachable' }, null);
  }
}

/** A wrong password is a 401 as well, and ends no session. */
export function isSignedOut(thrown: unknown): boolean {
  return thrown instanceof Problem && thrown.code === 'unauthorized';
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function fieldsIn(errors: unknown): string[] {
  if (!Array.isArray(errors)) return [];
  return errors.map((error: { readonly field?: unknown }) => text(error?.field)).filter((field) => field !== null);
}
