// A writer for route_server, as route_client.cpp is, on Node's standard library (16 or newer).
//
// It follows docs/protocol.md. Not here: reconnecting, extensions, and chunks, which messages under 4 GiB do not need.
'use strict';
const assert = require('node:assert'), crypto = require('node:crypto'), fs = require('node:fs');
const net = require('node:net'), os = require('node:os');

const REQUEST = 1, NOTIFICATION = 2, OK = 11, UNKNOWN_ERROR = 30, REQUESTER_ERROR = 41;
const MESSAGE = 10, CLOSE = 20;

class RequestError extends Error {
  constructor(type, { message, code = null }) { // type is 30, 41, 42 or 51, code an integer or null
    super(message);
    Object.assign(this, { type, code });
  }
}

function pathOf(name) {
  const temporary = os.tmpdir(), runtime = process.env.XDG_RUNTIME_DIR ?? temporary;
  const places = [`${runtime}/communica`, `${temporary}/communica`, `${temporary}/communica-${process.getuid()}`];
  const paths = places.map((place) => `${place}/${name.toLowerCase()}.sock`);
  return paths.find((path) => fs.existsSync(path)) ?? paths[0];
}

class Client {
  #socket;
  #hello = '';
  #answers = new Map(); // what waits, by id

  connect({ type, host, port, name }, handlers) {
    this.handlers = handlers;
    const reading = this.#read();
    let wanted = reading.next().value;
    const fail = (error) => this.#answers.forEach((answer) => answer.fail(error));
    this.#socket = net.connect(type === 'TcpConnector' ? { host, port } : { path: pathOf(name) });
    this.#socket.setNoDelay(true).write(JSON.stringify({ client_id: crypto.randomUUID() }) + '\0');
    this.#socket.on('readable', () => { // which gives fewer bytes only at the end
      for (let bytes; (bytes = this.#socket.read(wanted))?.length >= wanted; ) wanted = reading.next(bytes).value;
    });
    this.#socket.on('error', fail).on('close', () => {
      fail(new Error(this.#hello[0] === '\x04' ? `Refused: ${this.#hello.slice(1)}` : 'The connection is lost'));
    });
    return this.#answer('hello', 10_000);
  }

  request(route, value = null, timeout = 30_000) {
    const id = crypto.randomUUID();
    this.#send({ id, type: REQUEST, route }, JSON.stringify(value));
    return this.#answer(id, timeout);
  }

  notify(route, value = null) {
    this.#send({ id: '', type: NOTIFICATION, route }, JSON.stringify(value));
  }

  close() {
    return new Promise((closed) => this.#socket.on('close', closed).end(Buffer.from([0, 0, 0, 1, CLOSE])));
  }

  #answer(id, timeout) {
    let timer;
    return new Promise((done, fail) => {
      timer = setTimeout(() => fail(new Error(`No answer within ${timeout} ms`)), timeout);
      this.#answers.set(id, { done, fail });
    }).finally(() => {
      clearTimeout(timer);
      this.#answers.delete(id);
    });
  }

  #send(metadata, text) {
    const head = Buffer.from(JSON.stringify(metadata)), body = Buffer.from(text);
    const begin = Buffer.alloc(9);
    begin.writeUInt32BE(5 + head.length + body.length);
    begin.writeUInt8(MESSAGE, 4);
    begin.writeUInt32BE(4 + head.length, 5); // counts its own four bytes
    this.#socket.write(Buffer.concat([begin, head, body]));
  }

  // Yields how many bytes it needs next, and gets them.
  *#read() {
    while (!this.#hello.endsWith('\0')) this.#hello += yield 1;
    this.#answers.get('hello')?.done();
    for (;;) {
      const frame = yield (yield 4).readUInt32BE();
      if (frame[0] !== MESSAGE) return this.#socket.end(); // the server closes
      const end = 1 + frame.readUInt32BE(1);
      const metadata = JSON.parse(frame.subarray(5, end)), value = JSON.parse(frame.subarray(end));
      const answer = this.#answers.get(metadata.id); // undefined if it comes too late
      if (metadata.type < OK) this.#handle(metadata, value);
      else if (metadata.type === OK) answer?.done(value);
      else answer?.fail(new RequestError(metadata.type, value));
    }
  }

  async #handle(metadata, value) {
    let type = OK, text;
    try {
      const handler = this.handlers.get(metadata.route);
      if (!handler) throw new RequestError(REQUESTER_ERROR, { message: `Route "${metadata.route}" is not defined` });
      text = JSON.stringify((await handler(this, value)) ?? null);
    } catch (error) {
      const told = error instanceof RequestError ? error : new RequestError(UNKNOWN_ERROR, { message: String(error) });
      type = told.type;
      text = JSON.stringify({ code: told.code, message: told.message });
    }
    if (metadata.type === REQUEST) this.#send({ ...metadata, type }, text); // the request's metadata, with another type
  }
}

async function writeAbout(client, subject) {
  console.log('asked to write about', subject);
  return `Did you know that ${await client.request('get_facts_about', subject)}?`;
}

async function main(state = '{"type": "LocalConnector", "name": "editor"}') {
  const client = new Client();
  await client.connect(JSON.parse(state), new Map([['write_about', writeAbout]]));
  client.notify('get_facts_about', 'tea'); // the server prints that it was asked, and answers nothing
  const written = await client.request('give_work', 'Ann');
  console.log('done, with', written, 'articles');
  assert.equal(written, 2);
  await assert.rejects(client.request('get_facts_about', 'unicorns'), { type: REQUESTER_ERROR, code: 404 });
  await client.close();
}

main(...process.argv.slice(2));
