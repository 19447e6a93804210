// Wakes whoever empties an outbox the moment that something was committed into it: NOTIFY tollgate_outbox, whose payload names the outbox,
// or what else has become due. It is a hint and no more: who is woken also looks by himself from time to time, so a connection that is
// lost costs seconds and is nobody's news.
import { ListeningConnection } from './listening-connection.ts';

export class OutboxBell extends ListeningConnection {
  constructor(url: string, rung: (outbox: string) => void) {
    super({ url, name: 'tollgate outbox bell', channel: 'tollgate_outbox' }, { heard: rung });
  }
}
