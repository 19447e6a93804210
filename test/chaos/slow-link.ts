// A wire to PostgreSQL that can be made bad: everything on it comes late, or nothing comes at all for a while. Bytes are never
// lost or reordered, so what fails above it fails because of time alone.
import { connect, createServer, type Socket } from 'node:net';

export type LinkMood =
  | { readonly kind: 'good' }
  | { readonly kind: 'slow'; readonly leastMs: number; readonly mostMs: number; readonly dice: () => number }
  | { readonly kind: 'paused' };

export interface SlowLink {
  readonly port: number;
  become(mood: LinkMood): void;
  close(): Promise<void>;
}

export async function openSlowLink(target: { readonly host: string; readonly port: number }): Promise<SlowLink> {
  const wires = new Set<Wire>();
  const sockets = new Set<Socket>();
  let mood: LinkMood = { kind: 'good' };
  const server = createServer((near) => {
    const far = connect(target);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      const wire = new Wire(from, to, () => mood);
      wires.add(wire);
      from.on('close', () => {
        sockets.delete(from);
        wire.end(() => wires.delete(wire));
      });
      from.on('error', () => undefined); // 'close' follows and says all that matters
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the link listens on no port');
  return {
    port: address.port,
    become(next) {
      mood = next;
      for (const wire of wires) wire.moodChanged();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One direction of one connection. What its sender sent before it hung up still arrives, late: so do real zombies. */
class Wire {
  readonly #to: Socket;
  readonly #mood: () => LinkMood;
  #waiting: Buffer[] = [];
  #timer: NodeJS.Timeout | null = null;
  #ended: (() => void) | null = null;

  constructor(from: Socket, to: Socket, mood: () => LinkMood) {
    this.#to = to;
    this.#mood = mood;
    from.setNoDelay(true);
    from.on('data', (bytes: Buffer) => {
      this.#waiting.push(bytes);
      this.#pass();
    });
  }

  moodChanged(): void {
    if (this.#mood().kind !== 'slow') this.#pass();
  }

  end(ended: () => void): void {
    this.#ended = ended;
    this.#pass();
  }

  /** What waits behind a slow piece waits with it: order is kept. */
  #pass(): void {
    const mood = this.#mood();
    if (mood.kind === 'paused' || (mood.kind === 'slow' && this.#timer !== null)) return;
    if (mood.kind === 'good') {
      this.#flush();
      return;
    }
    const delayMs = mood.leastMs + Math.floor(mood.dice() * (mood.mostMs - mood.leastMs));
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#mood().kind !== 'paused') this.#flush();
    }, delayMs);
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const bytes of this.#waiting.splice(0)) if (!this.#to.destroyed) this.#to.write(bytes);
    if (this.#ended === null) return;
    this.#to.end();
    this.#ended();
  }
}
