// Serves the benchmark's contract with Node.js: its `cluster` module, one worker for each core, and its `http` server.
//
// It has no router: the path is matched by hand.
'use strict';

const cluster = require('node:cluster');
const http = require('node:http');
const os = require('node:os');
const { once } = require('node:events');

const HELLO = Buffer.from('Hello, World!');
const CHUNK = Buffer.from("A piece of sixty-four bytes, as a table's row or an event's are.");
const CHUNKS = 1000;
const DOWNLOAD = Buffer.alloc(1024 * 1024, 'abcdefghijklmnopqrstuvwxyz');
const PORT = Number(process.env.PORT ?? 8080);

if (cluster.isPrimary) {
  runPrimary();
} else {
  http.createServer(serve).listen(PORT, '127.0.0.1');
}

function runPrimary() {
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
}

function serve(request, response) {
  const { method, url } = request;
  if (method === 'GET' && url === '/') return send(response, 'text/plain', HELLO);
  if (method === 'GET' && url === '/download') return send(response, 'application/octet-stream', DOWNLOAD);
  if (method === 'GET' && url === '/stream') return sendPieces(response);
  if (method === 'POST' && url === '/upload') return sendCount(request, response);
  if (method === 'POST' && url.startsWith('/items/')) return sendReceipt(request, response, url.slice('/items/'.length));
  return refuse(response, 404);
}

function send(response, type, body) {
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': body.length });
  response.end(body);
}

function refuse(response, status) {
  response.writeHead(status, { 'Content-Length': 0 });
  response.end();
}

function sendCount(request, response) {
  let bytes = 0;
  request.on('data', (piece) => { bytes += piece.length; });
  request.on('end', () => send(response, 'text/plain', Buffer.from(String(bytes))));
}

function sendReceipt(request, response, parameter) {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    const id = Number(parameter);
    if (!Number.isSafeInteger(id)) return refuse(response, 404);
    let item;
    try {
      item = JSON.parse(Buffer.concat(pieces).toString());
    } catch {
      return refuse(response, 422);
    }
    const receipt = { id, name: item.name, tags: item.tags, total: item.quantity * item.price };
    return send(response, 'application/json', Buffer.from(JSON.stringify(receipt)));
  });
}

async function sendPieces(response) {
  response.writeHead(200, { 'Content-Type': 'text/plain' });
  for (let i = 0; i < CHUNKS; i += 1) {
    if (response.destroyed) return;
    if (!response.write(CHUNK)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
}
