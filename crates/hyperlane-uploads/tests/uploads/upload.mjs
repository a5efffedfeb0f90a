// Uploads with tus-js-client through a relay that cuts the first connections, and prints how often it asked.
import http from "node:http";
import net from "node:net";
import { createRequire } from "node:module";

const [packageFolder, port, size, parallel] = process.argv.slice(2);
const tus = createRequire(`${packageFolder}/`)(packageFolder);
const bytes = Buffer.alloc(Number(size));
for (let at = 0; at < bytes.length; at += 1) bytes[at] = at % 251;

let cuts = 2;
let cut = 0;
const relay = net.createServer((client) => {
  const server = net.connect(Number(port), "127.0.0.1");
  let seen = 0;
  client.on("data", (chunk) => {
    seen += chunk.length;
    if (cut < cuts && seen > bytes.length / 4) {
      cut += 1;
      server.destroy();
      client.destroy();
      return;
    }
    if (!server.write(chunk)) client.pause();
  });
  server.on("drain", () => client.resume());
  server.pipe(client);
  for (const socket of [client, server]) socket.on("error", () => {});
  client.on("close", () => server.destroy());
  server.on("close", () => client.destroy());
});
relay.listen(0, "127.0.0.1", () => {
  const methods = [];
  const options = {
    endpoint: `http://127.0.0.1:${relay.address().port}/files`,
    retryDelays: [10, 50, 100, 200, 400],
    metadata: { filename: "large.bin" },
    onBeforeRequest: (request) => { methods.push(request.getMethod()); },
    onError: (error) => { console.error(String(error)); process.exit(1); },
    onSuccess: () => {
      console.log(JSON.stringify({ url: upload.url, cut, methods }));
      process.exit(0);
    },
  };
  if (Number(parallel) > 1) options.parallelUploads = Number(parallel);
  const upload = new tus.Upload(bytes, options);
  upload.start();
});
