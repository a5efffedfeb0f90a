// Node's `ws`, whose folder is process.argv[2], against the server at process.argv[3].

import assert from "node:assert";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";

const WebSocket = createRequire(import.meta.url)(process.argv[2]);
const url = process.argv[3];

async function open(path, protocols, options) {
    const socket = new WebSocket(url + path, protocols, options);
    await once(socket, "open");
    return socket;
}

async function echoes(perMessageDeflate) {
    const socket = await open("/", [], { perMessageDeflate });
    assert.equal(socket.extensions.startsWith("permessage-deflate"), perMessageDeflate !== false);
    for (const message of ["", "hello", "grüße 😀", "x".repeat(100_000), randomBytes(0), randomBytes(1_000_000)]) {
        socket.send(message);
        const [data, isBinary] = await once(socket, "message");
        assert.equal(isBinary, typeof message !== "string");
        assert.deepEqual(isBinary ? data : data.toString(), message);
    }
    socket.send("in ", { fin: false });
    socket.ping("between");
    socket.send("fragments", { fin: true });
    const [[pong], [message]] = await Promise.all([once(socket, "pong"), once(socket, "message")]);
    assert.equal(pong.toString(), "between");
    assert.equal(message.toString(), "in fragments");
    socket.close(4000, "thanks");
    const [code] = await once(socket, "close");
    assert.equal(code, 4000);
}

async function isClosed() {
    const socket = await open("/closing", ["other", "closing"]);
    assert.equal(socket.protocol, "closing");
    socket.send("close");
    const [code, reason] = await once(socket, "close");
    assert.deepEqual([code, reason.toString()], [4321, "as you wish"]);
}

await echoes(false);
await echoes({ threshold: 0 });
await echoes({ threshold: 0, serverNoContextTakeover: true, clientMaxWindowBits: 10, serverMaxWindowBits: 10 });
await isClosed();
console.log("done");
