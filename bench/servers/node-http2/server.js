// Answers over HTTP/2 with prior knowledge with Node.js: its `cluster` module, one worker for each core, and its `http2`
// server.
'use strict';

const cluster = require('node:cluster');
const http2 = require('node:http2');
const os = require('node:os');

const HELLO = Buffer.from('Hello, World!');
const DOWNLOAD = Buffer.alloc(1024 * 1024, 'abcdefghijklmnopqrstuvwxyz');
const PORT = Number(process.env.PORT ?? 8080);

if (cluster.isPrimary) {
  const workers = os.availableParallelism();
  let listening = 0;
  cluster.on('listening', () => {
    listening += 1;
    if (listening === workers) console.log(`listening on http://127.0.0.1:${PORT}`);
  });
  for (let i = 0; i < workers; i += 1) cluster.fork();
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM');
    process.exit(0);
  });
} else {
  const server = http2.createServer();
  server.on('sessionError', () => {});
  server.on('stream', (stream, headers) => {
    const [type, body] = headers[':path'] === '/download' ? ['application/octet-stream', DOWNLOAD] : ['text/plain', HELLO];
    stream.on('error', () => {});
    stream.respond({ ':status': 200, 'content-type': type, 'content-length': body.length });
    stream.end(body);
  });
  server.listen(PORT, '127.0.0.1');
}
