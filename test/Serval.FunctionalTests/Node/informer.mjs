// An informer sees every change, also those made while its connections were cut.
import net from 'node:net';
import { Arrivals, assert, config, configMap, core, k8s } from './client.mjs';

const namespace = 'default';
const labels = { informer: 'node' };
const server = new URL(config.getCurrentCluster().server);
const sockets = new Set();
const proxy = net.createServer((from) => {
    const to = net.connect(Number(server.port), server.hostname);
    for (const [a, b] of [[from, to], [to, from]]) {
        sockets.add(a);
        a.on('error', () => {}).on('close', () => (sockets.delete(a), b.destroy())).pipe(b);
    }
});
await new Promise((listening) => proxy.listen(0, '127.0.0.1', listening));

const behind = new k8s.KubeConfig();
behind.loadFromOptions({
    clusters: [{ ...config.getCurrentCluster(), server: `https://127.0.0.1:${proxy.address().port}` }],
    users: config.users, contexts: config.contexts, currentContext: config.currentContext,
});
const list = () => behind.makeApiClient(k8s.CoreV1Api).listNamespacedConfigMap({ namespace, labelSelector: 'informer=node' });
const informer = k8s.makeInformer(behind, '/api/v1/namespaces/default/configmaps', list, 'informer=node');
const seen = new Arrivals();
for (const verb of ['add', 'update', 'delete']) {
    informer.on(verb, (obj) => seen.push(`${verb} ${obj.metadata.name} ${obj.data?.a}`));
}
informer.on('error', () => setTimeout(() => informer.start().catch(() => {}), 100)); // as the library's own example does

const body = (name, a) => configMap(name, { a }, { labels });
await core.createNamespacedConfigMap({ namespace, body: body('informer-0', '0') });
await informer.start();
const came = (text) => seen.until(text, (s) => s === text);
await came('add informer-0 0');
for (let round = 1; round <= 3; round++) {
    await core.createNamespacedConfigMap({ namespace, body: body(`informer-${round}`, `${round}`) });
    await came(`add informer-${round} ${round}`);
    for (const socket of sockets) {
        socket.resetAndDestroy();
    }
    await core.replaceNamespacedConfigMap({ name: 'informer-0', namespace, body: body('informer-0', `${round}`) });
    await came(`update informer-0 ${round}`);
}
await core.deleteNamespacedConfigMap({ name: 'informer-3', namespace });
await came('delete informer-3 3');
assert.deepEqual(informer.list(namespace).map((o) => o.metadata.name).sort(), ['informer-0', 'informer-1', 'informer-2']);
await informer.stop();
await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'informer=node' });
process.exit(0);
