// A gateway without a gateway: Node's server and our client, and nothing that is done for a customer between them. What a request costs
// beyond it is ours.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Egress } from '../services/egress/egress.ts';

const [port = '', upstreamPort = ''] = process.argv.slice(2);
const upstream = new Egress().upstream(`http://127.0.0.1:${upstreamPort}`, true);

createServer({ noDelay: true }, (req, res) => void passOn(req, res)).listen(Number(port), '127.0.0.1');

async function passOn(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const body = await whole(req);
  const pieces: Buffer[] = [];
  const headers = ['content-type', 'application/json'];
  upstream.post(
    { path: '/v1/chat/completions', headers, body },
    {
      answerBegan: (status) => res.writeHead(status, headers),
      answerData: (piece) => void pieces.push(piece),
      // As the gateway does it: one string goes out in one write with the head (hotpath.md 3).
      answerEnded: () => res.end(Buffer.concat(pieces).toString('latin1'), 'latin1'),
      answerFailed: (error) => res.destroy(error),
    },
  );
}

function whole(req: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  return new Promise((resolve, reject) => {
    req.on('data', (piece: Buffer) => pieces.push(piece));
    req.on('end', () => resolve(Buffer.concat(pieces)));
    req.on('error', reject);
  });
}
