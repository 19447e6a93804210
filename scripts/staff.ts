// The management API as the scripts use it: what does not succeed is an error that says what was asked and what was answered.
import { z } from 'zod';

const Thing = z.looseObject({ id: z.string(), name: z.string().optional(), baseUrl: z.string().optional() });
export type Thing = z.infer<typeof Thing>;
const Page = z.object({ data: z.array(Thing), nextCursor: z.string().nullable() });

/** A member of staff at the management API of an installation. */
export class Staff {
  readonly #api: string;
  readonly #headers: Record<string, string>;

  constructor({ api, adminToken }: { readonly api: string; readonly adminToken: string }) {
    this.#api = `${api}/api/v1`;
    this.#headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  }

  async list(path: string): Promise<Thing[]> {
    const things: Thing[] = [];
    const first = `${path}${path.includes('?') ? '&' : '?'}limit=200`;
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: z.infer<typeof Page> = Page.parse(await this.#call('GET', first + (cursor && `&cursor=${cursor}`)));
      things.push(...page.data);
      cursor = page.nextCursor;
    }
    return things;
  }

  async read<S extends z.ZodType>(path: string, shape: S): Promise<z.output<S>> {
    return shape.parse(await this.#call('GET', path));
  }

  async post(path: string, body: object): Promise<Thing> {
    return Thing.parse(await this.#call('POST', path, body));
  }

  /** Of something that is not a thing with an id. */
  async ask<S extends z.ZodType>(path: string, body: object, shape: S): Promise<z.output<S>> {
    return shape.parse(await this.#call('POST', path, body));
  }

  async patch(path: string, body: object): Promise<void> {
    await this.#call('PATCH', path, body, { 'if-match': '*' });
  }

  async #call(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<unknown> {
    const answer = await fetch(this.#api + path, {
      method,
      headers: { ...this.#headers, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${text.slice(0, 500)}`);
    return JSON.parse(text);
  }
}
