// exec, attach and port-forward of a running pod, over the library's WebSockets.
import { PassThrough, Writable } from 'node:stream';
import { Arrivals, assert, config, core, k8s } from './client.mjs';

const namespace = 'default';
const name = 'node-streams';
await core.createNamespacedPod({
    namespace,
    body: {
        metadata: { name },
        spec: {
            restartPolicy: 'Never', terminationGracePeriodSeconds: 1,
            containers: [
                { name: 'main', image: 'dev.local/bb:1', stdin: true, command: ['/bin/sh', '-c', 'while read x; do echo "read $x"; done'] },
                { name: 'web', image: 'dev.local/bb:1', ports: [{ containerPort: 8080 }], args: ['sh', '-c', 'exec ./busybox httpd -f -p ${PORT:-8080} -h www'] },
            ],
        },
    },
});
const ready = (pod) => pod.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True');
const seen = new Arrivals();
const pods = await new k8s.Watch(config).watch(`/api/v1/namespaces/${namespace}/pods`, { fieldSelector: `metadata.name=${name}` }, (_, pod) => seen.push(pod), () => {});
await seen.until('the pod is ready', ready);
pods.abort();

/** What is written to it, as text; `until` waits for some of it. */
class Text extends Writable {
    text = '';
    #waiting = [];

    _write(chunk, _, done) {
        this.text += chunk;
        this.#waiting.forEach((check) => check());
        done();
    }

    until(part) {
        return new Promise((resolve, reject) => {
            const late = setTimeout(() => reject(new Error(`'${part}' did not come within 30 s; came: ${this.text}`)), 30_000);
            const check = () => this.text.includes(part) && (clearTimeout(late), resolve());
            this.#waiting.push(check);
            check();
        });
    }
}

/** Runs a command in the pod to its end. */
async function run(command, { stdin = null, tty = false, container = 'main' } = {}) {
    const [out, err] = [new Text(), tty ? null : new Text()];
    const status = await new Promise((resolve, reject) =>
        new k8s.Exec(config).exec(namespace, name, container, command, out, err, stdin, tty, resolve).catch(reject));
    return { status, out: out.text, err: err?.text };
}

const failed = await run(['sh', '-c', 'echo out; echo err >&2; exit 3']);
assert.deepEqual([failed.out, failed.err, failed.status.status, failed.status.reason], ['out\n', 'err\n', 'Failure', 'NonZeroExitCode']);
assert.deepEqual(failed.status.details.causes, [{ reason: 'ExitCode', message: '3' }]);
const fine = await run(['true']);
assert.equal(fine.status.status, 'Success');
assert.match((await run(['no-such-program'])).status.message, /executable file not found/);

const input = new PassThrough();
input.end('typed\n'.repeat(1000));
assert.equal((await run(['cat'], { stdin: input })).out, 'typed\n'.repeat(1000));
assert.equal((await run(['sh', '-c', 'head -c 3000000 /dev/zero | tr "\\0" x'])).out.length, 3_000_000);
const terminal = await run(['sh', '-c', 'test -t 0 && test -t 1 && echo at a terminal'], { stdin: new PassThrough(), tty: true });
assert.equal(terminal.out, 'at a terminal\r\n');
await assert.rejects(run(['true'], { container: 'none' }));

// attach: what is typed, and what the program says to it.
const [typed, out] = [new PassThrough(), new Text()];
const attached = await new k8s.Attach(config).attach(namespace, name, 'main', out, new Text(), typed, false);
typed.write('attached\n');
await out.until('read attached');
attached.close();

// port-forward: a request of HTTP/1.0 by hand, twice at once.
const page = async () => {
    const [request, answer] = [new PassThrough(), new Text()];
    const socket = await new k8s.PortForward(config).portForward(namespace, name, [8080], answer, null, request);
    request.write('GET / HTTP/1.0\r\nHost: x\r\n\r\n');
    await answer.until('hello from busybox');
    socket.close();
    return answer.text;
};
for (const text of await Promise.all([page(), page()])) {
    assert.match(text, /^HTTP\/1\.[01] 200 OK/);
}
const wrong = new Text();
await new k8s.PortForward(config).portForward(namespace, name, [9], new Text(), wrong, new PassThrough());
await wrong.until('9');

await core.deleteNamespacedPod({ namespace, name });
process.exit(0);
