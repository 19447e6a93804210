// A PyPI of a test's own and wheels to put into it. It speaks either format that an index may speak, one with addresses on
// another origin and one with relative ones, and notes who asked for what.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';

export interface WheelIndex {
  readonly port: number;
  /** Path and Authorization of each request. */
  readonly asked: string[];
  close(): Promise<void>;
}

export async function startWheelIndex(
  format: 'json' | 'html',
  wheels: Readonly<Record<string, Buffer>>,
): Promise<WheelIndex> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(`${path} ${request.headers.authorization ?? 'nobody'}`);
    const wheel = wheels[path.slice(path.lastIndexOf('/') + 1)];
    if (path.startsWith('/simple/')) pages[format](response, Object.keys(wheels), portOf(server));
    else response.writeHead(wheel === undefined ? 404 : 200).end(wheel);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server),
    asked,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as AddressInfo).port;
}

const pages = {
  json(response: ServerResponse, names: string[], port: number) {
    const files = names.map((name) => ({ filename: name, url: `http://localhost:${port}/files/${name}` }));
    response.writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' }).end(JSON.stringify({ files }));
  },
  html(response: ServerResponse, names: string[]) {
    const links = names.map(
      (name) => `<a href="../../files/${name}#sha256=0" data-requires-python="&gt;=3.7">${name}</a><br/>`,
    );
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<!DOCTYPE html><body>${links.join('\n')}</body>`);
  },
};

/** A zip of one stored file, where a wheel has its programs. */
export function wheelWith(program: string, content: string): Buffer {
  const name = Buffer.from(`${program}-1.data/scripts/${program}`);
  const data = Buffer.from(content);
  // APPNOTE 4.3: what both headers of a file say, from the version needed to the length of the extra field.
  const about = Buffer.alloc(26);
  about.writeUInt16LE(20, 0);
  about.writeUInt32LE(crc32(data), 10);
  about.writeUInt32LE(data.length, 14);
  about.writeUInt32LE(data.length, 18);
  about.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), about, name, data]);
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), about, Buffer.alloc(14), name]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, central, Buffer.from('PK\x05\x06'), end]);
}
