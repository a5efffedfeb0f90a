// Echoes WebSocket messages, and answers over TLS, with Node.js: its `cluster` module, one worker for each core, and the
// package `ws`, taken from HYPERLANE_NODE_TOOLS where that is set.
'use strict';

const cluster = require('node:cluster');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const os = require('node:os');
const path = require('node:path');

const tools = process.env.HYPERLANE_NODE_TOOLS;
const { WebSocketServer } = require(tools ? path.join(tools, 'node_modules', 'ws') : 'ws');

const HELLO = Buffer.from('Hello, World!');
const PORT = Number(process.env.PORT ?? 8080);
const TLS_PORT = Number(process.env.TLS_PORT ?? 0);

if (cluster.isPrimary) {
  runPrimary();
} else {
  const server = http.createServer(serve);
  const sockets = new WebSocketServer({ server, path: '/ws', perMessageDeflate: false });
  sockets.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  server.listen(PORT, '127.0.0.1');
  if (TLS_PORT) {
    const cert = fs.readFileSync(process.env.CERTIFICATE);
    const key = fs.readFileSync(process.env.KEY);
    https.createServer({ cert, key }, serve).listen(TLS_PORT, '127.0.0.1');
  }
}

function runPrimary() {
  const workers = os.availableParallelism();
  const expected = TLS_PORT ? 2 * workers : workers;
  let listening = 0;
  cluster.on('listening', () => {
    listening += 1;
    if (listening === expected) console.log(`listening on http://127.0.0.1:${PORT}`);
  });
  for (let i = 0; i < workers; i += 1) cluster.fork();
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM');
    process.exit(0);
  });
}

function serve(request, response) {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': HELLO.length });
  response.end(HELLO);
}
