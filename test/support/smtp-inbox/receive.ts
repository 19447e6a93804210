// How a mail comes in: no TLS and no sign-in, as it listens on this machine only. The 250 goes out when the mail is on disk.
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { FaultOrder } from './faults.ts';
import type { Mailbox } from './mailbox.ts';

const LARGEST_BYTES = 10_000_000;

export function smtpServer(mailbox: Mailbox, faults: FaultOrder): SMTPServer {
  const sockets = new Map<number, Socket>();
  const server = new SMTPServer({
    name: 'inbox.localhost',
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: LARGEST_BYTES,
    rejectOversized: true,
    // Where greylisting and unknown mailboxes show: a refusal here is about this mail, an earlier one about its sender.
    onRcptTo(_address, _session, callback) {
      const fault = faults.take('refuse');
      callback(fault === null ? null : refusal(fault.status));
    },
    onData(stream, session, callback) {
      const breakOff = () => sockets.get(session.remotePort)?.destroy();
      receive(mailbox, faults, stream, session).then((isAcknowledged) => {
        if (isAcknowledged) callback(null);
        else breakOff();
      }, callback);
    },
  });
  server.server.on('connection', (socket: Socket) => {
    const port = socket.remotePort ?? 0;
    sockets.set(port, socket);
    socket.once('close', () => sockets.delete(port));
  });
  // A sender that goes away in the middle is its own matter.
  server.on('error', () => undefined);
  return server;
}

/** False: the sender gets no answer any more. */
async function receive(
  mailbox: Mailbox,
  faults: FaultOrder,
  stream: SMTPServerDataStream,
  { envelope }: SMTPServerSession,
): Promise<boolean> {
  const message = await buffer(stream);
  if (stream.sizeExceeded) return true; // answered with 552 by the option rejectOversized
  const fault = faults.take('drop', 'delay');
  if (fault?.kind === 'drop' && !fault.kept) return false;
  const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
  mailbox.store({ from, to: envelope.rcptTo.map(({ address }) => address) }, message);
  if (fault?.kind === 'delay') await wait(fault.ms);
  return fault?.kind !== 'drop';
}

function refusal(status: number): Error & { responseCode: number } {
  const remark = status < 500 ? 'come again later' : 'never';
  return Object.assign(new Error(`ordered by a test: ${remark}`), { responseCode: status });
}
