// One store under one load, by one client program: node store.mjs MODULES serval|etcd URL CERTIFICATES OBJECTS BYTES CONCURRENCY
// MODULES is where etcd3 is installed; CERTIFICATES is a directory with ca.crt, admin.crt and admin.key. Prints a line of JSON: operations a second of each kind.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { createRequire } from 'node:module';

const [modules, kind, url, certificates, objects, bytes, concurrency] = process.argv.slice(2);
const [count, size, width] = [objects, bytes, concurrency].map(Number);
const file = name => readFileSync(`${certificates}/${name}`);
const names = Array.from({ length: count }, (_, i) => `bench-${process.pid}-${i}`);
const body = (name, turn, version) => JSON.stringify({
  apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', ...(version && { resourceVersion: version }) },
  data: { turn: `${turn}`, text: 'x'.repeat(size) },
});

function serval() {
  const agent = new https.Agent({ keepAlive: true, maxSockets: width, ca: file('ca.crt'), cert: file('admin.crt'), key: file('admin.key') });
  const path = '/api/v1/namespaces/default/configmaps';
  const versions = new Map();
  const send = (method, at, text) => new Promise((resolve, reject) => {
    const request = https.request(url + at, { agent, method, headers: { 'content-type': 'application/json' } }, response => {
      const parts = [];
      response.on('data', part => parts.push(part));
      response.on('end', () => response.statusCode < 300
        ? resolve(JSON.parse(Buffer.concat(parts)))
        : reject(new Error(`${method} ${at}: ${response.statusCode} ${Buffer.concat(parts)}`)));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(text);
  });
  return {
    warm: () => send('GET', '/version'),
    create: async name => versions.set(name, (await send('POST', path, body(name, 0))).metadata.resourceVersion),
    update: async name => send('PUT', `${path}/${name}`, body(name, 1, versions.get(name))),
    list: async () => (await send('GET', path)).items.length,
    close: () => agent.destroy(),
  };
}

function etcd() {
  const { Etcd3 } = createRequire(`${modules}/`)('etcd3');
  const client = new Etcd3({
    hosts: url, grpcOptions: { 'grpc.max_receive_message_length': -1 },
    credentials: { rootCertificate: file('ca.crt'), certChain: file('admin.crt'), privateKey: file('admin.key') },
  });
  const revisions = new Map();
  const done = async (name, answer) => {
    const { succeeded, header } = await answer;
    if (!succeeded) {
      throw new Error(`${name} was another`);
    }
    revisions.set(name, header.revision);
  };
  return {
    warm: () => client.get('warm'),
    create: name => done(name, client.if(name, 'Create', '==', 0).then(client.put(name).value(body(name, 0))).commit()),
    update: name => done(name, client.if(name, 'Mod', '==', revisions.get(name)).then(client.put(name).value(body(name, 1))).commit()),
    list: async () => Object.values(await client.getAll().prefix('bench-').json()).length,
    close: () => client.close(),
  };
}

async function perSecond(operations, run, at = width) {
  const left = operations.values();
  const start = process.hrtime.bigint();
  await Promise.all(Array.from({ length: at }, async () => {
    for (const operation of left) {
      await run(operation);
    }
  }));
  return operations.length / (Number(process.hrtime.bigint() - start) / 1e9);
}

const store = kind === 'etcd' ? etcd() : serval();
await perSecond(Array(8 * width).fill(), store.warm); // connections stand, and the program is compiled
const create = await perSecond(names, store.create);
const update = await perSecond(names, store.update);
const list = await perSecond(Array(5).fill(), async () => {
  const found = await store.list();
  if (found < count) {
    throw new Error(`${found} of ${count} were listed`);
  }
}, 1);
console.log(JSON.stringify({ create, update, list }));
await store.close();
