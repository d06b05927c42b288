// A client of communica on Node's standard library (16 or newer): a writer for route_server, as route_client.cpp is.
//
// It follows docs/protocol.md. Not here: connecting again, extensions, and chunks, which messages under 4 GiB do not need.
'use strict';
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');

const REQUEST = 1, NOTIFICATION = 2, OK = 11, UNKNOWN_ERROR = 30, REQUESTER_ERROR = 41;
const MESSAGE = 10, CLOSE = 20;

// What is answered instead of a result, with one of the types 30, 41, 42 and 51.
class RequestError extends Error {
  constructor(type, message, code = null) {
    super(message);
    Object.assign(this, { type, code });
  }
}

function address(state) {
  if (state.type === 'TcpConnector') return { host: state.host, port: state.port };
  const places = [`${os.tmpdir()}/communica`, `${os.tmpdir()}/communica-${process.getuid()}`];
  if (process.env.XDG_RUNTIME_DIR) places.unshift(`${process.env.XDG_RUNTIME_DIR}/communica`);
  const paths = places.map((place) => `${place}/${state.name.toLowerCase()}.sock`);
  return { path: paths.find((path) => fs.existsSync(path)) ?? paths[0] };
}

class Client {
  #socket;
  #hello = Buffer.alloc(0);
  #length = 0; // of the frame that is read, 0 before it is known
  #answers = new Map();

  constructor(routes) {
    this.routes = routes;
  }

  connect(connectorState) {
    return new Promise((resolve, reject) => {
      this.#socket = net.connect(address(JSON.parse(connectorState)));
      this.#socket.setNoDelay(true).setTimeout(10_000, () => this.#socket.destroy(new Error('No hello within 10 s')));
      this.#socket.write(JSON.stringify({ client_id: crypto.randomUUID() }) + '\0');
      this.#socket.on('readable', () => this.#read(resolve, reject));
      this.#socket.on('error', reject);
      this.#socket.on('close', () => {
        reject(new Error('The connection is lost'));
        for (const { fail } of this.#answers.values()) fail(new Error('The connection is lost'));
      });
    });
  }

  request(route, value = null, timeout = 30_000) {
    const id = crypto.randomUUID();
    return new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error(`No answer within ${timeout} ms`)), timeout);
      this.#answers.set(id, { done, fail, timer });
      this.#send({ id, type: REQUEST, route }, JSON.stringify(value));
    }).finally(() => {
      clearTimeout(this.#answers.get(id).timer);
      this.#answers.delete(id);
    });
  }

  notify(route, value = null) {
    this.#send({ id: '', type: NOTIFICATION, route }, JSON.stringify(value));
  }

  close() {
    return new Promise((closed) => this.#socket.on('close', closed).end(Buffer.from([0, 0, 0, 1, CLOSE])));
  }

  #send(metadata, text) {
    const head = Buffer.from(JSON.stringify(metadata)), body = Buffer.from(text);
    const begin = Buffer.alloc(9);
    begin.writeUInt32BE(5 + head.length + body.length);
    begin.writeUInt8(MESSAGE, 4);
    begin.writeUInt32BE(4 + head.length, 5); // counts its own four bytes
    this.#socket.write(Buffer.concat([begin, head, body]));
  }

  #read(greeted, refused) {
    while (!this.#hello.includes(0)) {
      const bytes = this.#socket.read();
      if (bytes === null) return;
      this.#hello = Buffer.concat([this.#hello, bytes]);
      if (this.#hello[0] === 4) return refused(new Error(`Refused: ${this.#hello.subarray(1)}`));
      const end = this.#hello.indexOf(0);
      if (end < 0) continue;
      this.#socket.unshift(this.#hello.subarray(end + 1));
      this.#socket.setTimeout(0);
      greeted();
    }
    for (let bytes; (bytes = this.#socket.read(this.#length || 4)) !== null; ) {
      if (bytes.length < (this.#length || 4)) return; // it closed without a word
      if (this.#length === 0) {
        this.#length = bytes.readUInt32BE();
        continue;
      }
      this.#length = 0;
      if (bytes[0] !== MESSAGE) return this.#socket.end(); // the other side closes
      const body = 1 + bytes.readUInt32BE(1);
      this.#take(JSON.parse(bytes.subarray(5, body)), bytes.subarray(body));
    }
  }

  #take(metadata, body) {
    if (metadata.type < OK) return this.#handle(metadata, body);
    const answer = this.#answers.get(metadata.id);
    if (!answer) return; // it came too late
    const value = JSON.parse(body);
    if (metadata.type === OK) answer.done(value);
    else answer.fail(new RequestError(metadata.type, value.message, value.code));
  }

  async #handle(metadata, body) {
    let type = OK, answer;
    try {
      const handler = this.routes.get(metadata.route);
      if (!handler) throw new RequestError(REQUESTER_ERROR, `Route "${metadata.route}" is not defined`);
      answer = JSON.stringify((await handler(this, JSON.parse(body))) ?? null);
    } catch (error) {
      const told = error instanceof RequestError ? error : new RequestError(UNKNOWN_ERROR, String(error));
      type = told.type;
      answer = JSON.stringify({ code: told.code, message: told.message });
    }
    if (metadata.type === REQUEST) this.#send({ ...metadata, type }, answer); // the request's metadata, with another type
  }
}

async function writeAbout(client, subject) {
  console.log('asked to write about', subject);
  return `Did you know that ${await client.request('get_facts_about', subject)}?`;
}

async function main(connectorState = '{"type": "LocalConnector", "name": "editor"}') {
  const client = new Client(new Map([['write_about', writeAbout]]));
  await client.connect(connectorState);
  client.notify('get_facts_about', 'tea'); // the server prints that it was asked, and answers nothing
  const written = await client.request('give_work', 'Ann');
  console.log('done, with', written, 'articles');
  assert.equal(written, 2);
  await assert.rejects(client.request('get_facts_about', 'unicorns'), (error) => {
    console.log(`no facts: ${error.message}, type ${error.type}, code ${error.code}`);
    return error.type === REQUESTER_ERROR && error.code === 404;
  });
  await client.close();
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
