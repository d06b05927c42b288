// A client on Node's standard library (16.14 or newer), to be copied: route_client.js uses it.
//
// It follows docs/protocol.md. Not here: reconnecting, extensions, and chunks, which messages under 4 GiB do not need.
'use strict';
const crypto = require('node:crypto'), { EventEmitter, once } = require('node:events'), fs = require('node:fs');
const net = require('node:net'), os = require('node:os');

const REQUEST = 1, NOTIFICATION = 2, OK = 11, UNKNOWN_ERROR = 30, REQUESTER_ERROR = 41;
const MESSAGE = 10, CLOSE = 20;

// What a handler throws, and request: type is 30, 41, 42 or 51, code an integer or null.
const requestError = (type, message, code = null) => Object.assign(new Error(message), { type, code });

function pathOf(name) {
  const temporary = os.tmpdir(), runtime = process.env.XDG_RUNTIME_DIR ?? temporary;
  const places = [`${runtime}/communica`, `${temporary}/communica`, `${temporary}/communica-${process.getuid()}`];
  const paths = places.map((place) => `${place}/${name.toLowerCase()}.sock`);
  return paths.find((path) => fs.existsSync(path)) ?? paths[0];
}

class Client {
  handlers = new Map(); // functions of a value, by route
  #socket;
  #answers = new EventEmitter().setMaxListeners(0).on('error', () => {}); // by the id of the request

  async connect({ type, host, port, name }) {
    this.#socket = net.connect(type === 'TcpConnector' ? { host, port } : { path: pathOf(name) });
    this.#socket.write(JSON.stringify({ client_id: crypto.randomUUID() }) + '\0');
    let lost = new Error('The connection is lost');
    this.#socket.on('error', (error) => { lost = error; }).on('close', () => this.#answers.emit('error', lost));
    this.#read().catch((error) => this.#socket.destroy(error));
    await this.#answer('hello', 10_000);
  }

  request(route, value = null, timeout = 30_000) {
    const id = crypto.randomUUID();
    this.#send({ id, type: REQUEST, route }, value);
    return this.#answer(id, timeout);
  }

  notify(route, value = null) {
    this.#send({ id: '', type: NOTIFICATION, route }, value);
  }

  async close() {
    this.#socket.end(Buffer.from([0, 0, 0, 1, CLOSE]));
    await once(this.#socket, 'close');
  }

  async #answer(id, timeout) {
    if (this.#socket.destroyed) throw new Error('The connection is lost');
    const [type, value] = await once(this.#answers, id, { signal: AbortSignal.timeout(timeout) });
    if (type !== OK) throw requestError(type, value.message, value.code);
    return value;
  }

  #send(metadata, value) {
    const head = Buffer.from(JSON.stringify(metadata)), body = Buffer.from(JSON.stringify(value));
    const begin = Buffer.alloc(9);
    begin.writeUInt32BE(5 + head.length + body.length);
    begin.writeUInt8(MESSAGE, 4);
    begin.writeUInt32BE(4 + head.length, 5); // counts its own four bytes
    this.#socket.write(Buffer.concat([begin, head, body]));
  }

  async #bytes(count) {
    for (let bytes; ; await once(this.#socket, 'readable')) {
      if ((bytes = this.#socket.read(count)) !== null) return bytes; // fewer only at the end
    }
  }

  async #read() {
    if ((await this.#bytes(1))[0] === 4) throw new Error(`Refused: ${this.#socket.read()}`);
    while ((await this.#bytes(1))[0] !== 0); // the rest of the server's hello
    this.#answers.emit('hello', OK);
    for (;;) {
      const frame = await this.#bytes((await this.#bytes(4)).readUInt32BE());
      if (frame[0] !== MESSAGE) return this.#socket.end(); // the server closes
      const end = 1 + frame.readUInt32BE(1);
      const metadata = JSON.parse(frame.subarray(5, end)), value = JSON.parse(frame.subarray(end));
      if (metadata.type < OK) this.#handle(metadata, value);
      else this.#answers.emit(metadata.id, metadata.type, value); // no one hears it if it comes too late
    }
  }

  async #handle(metadata, value) {
    // An answer has the metadata of its request, with another type.
    const answer = (type, result) => metadata.type === REQUEST && this.#send({ ...metadata, type }, result);
    try {
      const handler = this.handlers.get(metadata.route);
      if (!handler) throw requestError(REQUESTER_ERROR, `Route "${metadata.route}" is not defined`);
      answer(OK, (await handler(value)) ?? null);
    } catch (error) {
      const { type, message, code } = Number.isInteger(error?.type) ? error : requestError(UNKNOWN_ERROR, String(error));
      answer(type, { code, message });
    }
  }
}

module.exports = { Client, requestError, REQUESTER_ERROR };
