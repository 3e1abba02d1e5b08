// What the scripts share: the library, a client of the kubeconfig in KUBECONFIG, and waiting for events.
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';

export const k8s = await import(pathToFileURL(process.env.CLIENT_NODE).href);
export { assert };

export const config = new k8s.KubeConfig();
config.loadFromFile(process.env.KUBECONFIG);

export const core = config.makeApiClient(k8s.CoreV1Api);

/** The ApiException of a call that must fail, its body read; below a group that nobody serves it is a page of text. */
export async function refused(code, call) {
    try {
        await call;
    } catch (e) {
        assert.equal(e.code, code, `${e}`);
        return typeof e.body === 'string' && e.body.startsWith('{') ? JSON.parse(e.body) : e.body;
    }
    assert.fail(`the call should have been answered ${code}`);
}

/** Values that arrive, and a wait for the first that fits. */
export class Arrivals {
    #all = [];
    #waiting = [];

    push(value) {
        this.#all.push(value);
        this.#waiting = this.#waiting.filter((w) => !(w.fits(value) && (w.resolve(value), true)));
    }

    until(what, fits) {
        const found = this.#all.find(fits);
        return found ? Promise.resolve(found) : new Promise((resolve, reject) => {
            const late = setTimeout(() => reject(new Error(`did not come within 30 s: ${what}; came: ${JSON.stringify(this.#all)}`)), 30_000);
            this.#waiting.push({ fits, resolve: (value) => (clearTimeout(late), resolve(value)) });
        });
    }
}

export const configMap = (name, data, metadata = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', ...metadata }, data });
