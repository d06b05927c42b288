// A writer for route_server, as route_client.cpp is.
'use strict';
const assert = require('node:assert');
const { Client, REQUESTER_ERROR } = require('./communica_client.js');

async function main(state = '{"type": "LocalConnector", "name": "editor"}') {
  const client = new Client();
  client.handlers.set('write_about', async (subject) => {
    console.log('asked to write about', subject);
    return `Did you know that ${await client.request('get_facts_about', subject)}?`;
  });
  await client.connect(JSON.parse(state));
  client.notify('get_facts_about', 'tea'); // the server prints that it was asked, and answers nothing
  const written = await client.request('give_work', 'Ann');
  console.log('done, with', written, 'articles');
  assert.equal(written, 2);
  await assert.rejects(client.request('get_facts_about', 'unicorns'), { type: REQUESTER_ERROR, code: 404 });
  await client.close();
}

main(...process.argv.slice(2));
