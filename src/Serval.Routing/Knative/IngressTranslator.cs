using System.Collections.Immutable;
using System.Text.Json;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.Api.Serving;

namespace Serval.Routing.Knative;

/// <summary>Knative Ingress → route rules. Pure: the same objects give the same result.</summary>
public static class IngressTranslator
{
    /// <summary>Compiles one Ingress.</summary>
    public static IngressCompilation Compile(KubeObject ingress, IIngressLookup lookup)
    {
        var run = new Run(ingress.Key, lookup);
        try
        {
            var compiled = run.Compile(ingress.As<KIngress>(), ingress.Metadata);
            return new IngressCompilation(compiled, "", run.Services.ToImmutable());
        }
        catch (IngressException e)
        {
            return new IngressCompilation(null, e.Message, run.Services.ToImmutable());
        }
        catch (JsonException e)
        {
            return new IngressCompilation(null, $"the spec cannot be read at {e.Path}: a value has the wrong type; correct it", []);
        }
    }

    /// <summary>Where ACME servers look; they come without TLS (RFC 8555, section 8.3).</summary>
    private const string AcmePath = "/.well-known/acme-challenge/";

    private sealed class Run(ObjectKey key, IIngressLookup lookup)
    {
        private readonly string _owner = $"Ingress {key}";
        private readonly Dictionary<string, List<RouteRule>> _hosts = new(StringComparer.Ordinal);
        private readonly List<string> _order = [];
        private readonly List<string> _warnings = [];
        private readonly Dictionary<BackendKey, RevisionPolicy> _policies = [];
        private readonly ImmutableHashSet<BackendKey>.Builder _backends = ImmutableHashSet.CreateBuilder<BackendKey>();

        internal ImmutableHashSet<ObjectKey>.Builder Services { get; } = ImmutableHashSet.CreateBuilder<ObjectKey>();

        internal CompiledIngress Compile(KIngress ingress, ObjectMeta metadata)
        {
            var tls = Tls(ingress.Spec.Tls);
            var secured = ingress.Spec.HttpOption == "Redirected" ? tls.Select(t => t.Key).ToHashSet(StringComparer.Ordinal) : [];
            if (ingress.Spec.Rules.Count == 0)
            {
                throw new IngressException("spec.rules is empty: give at least one rule");
            }
            for (var i = 0; i < ingress.Spec.Rules.Count; i++)
            {
                AddRule(ingress.Spec.Rules[i], $"spec.rules[{i}]", secured);
            }
            return new CompiledIngress
            {
                Key = key,
                Uid = metadata.Uid,
                Generation = metadata.Generation,
                Created = metadata.CreationTimestamp ?? DateTimeOffset.MaxValue,
                Hosts = [.. _order.Select(h => new CompiledHost(h, [.. _hosts[h]]))],
                Tls = tls,
                Policies = _policies,
                Backends = _backends.ToImmutable(),
                Warnings = [.. Warnings(ingress.Spec), .. _warnings],
            };
        }

        private static ImmutableArray<KeyValuePair<string, ObjectKey>> Tls(IReadOnlyList<KIngressTls> entries)
        {
            var secrets = ImmutableArray.CreateBuilder<KeyValuePair<string, ObjectKey>>();
            for (var i = 0; i < entries.Count; i++)
            {
                var secret = new ObjectKey(entries[i].SecretNamespace, entries[i].SecretName);
                secrets.AddRange(entries[i].Hosts.Select(h => KeyValuePair.Create(HostName(h, $"spec.tls[{i}]"), secret)));
            }
            return secrets.ToImmutable();
        }

        private static ImmutableArray<string> Warnings(KIngressSpec spec) => spec.HttpOption == "Redirected" && spec.Tls.Count == 0
            ? ["spec.httpOption: Redirected has no effect on hosts without an entry in spec.tls."]
            : [];

        private void AddRule(KIngressRule rule, string path, HashSet<string> secured)
        {
            if (rule.Hosts.Count == 0)
            {
                throw new IngressException($"{path}.hosts is empty: name the hosts the rule is for");
            }
            if (rule.Http is not { Paths.Count: > 0 } http)
            {
                throw new IngressException($"{path}.http.paths is empty: give at least one path with splits");
            }
            var visibility = rule.Visibility switch
            {
                "" or "ExternalIP" => RouteVisibility.External,
                "ClusterLocal" => RouteVisibility.ClusterLocal,
                _ => throw new IngressException($"{path}.visibility: \"{rule.Visibility}\" is not ExternalIP or ClusterLocal"),
            };
            var hosts = rule.Hosts.Select(h => HostName(h, path)).ToLookup(h => visibility == RouteVisibility.External && IsSecured(h, secured));
            foreach (var alike in hosts)
            {
                var rules = http.Paths.Select((p, i) => CompilePath(p, visibility, alike.Key, $"{path}.http.paths[{i}]")).ToArray();
                foreach (var host in alike)
                {
                    AddHost(host, rules);
                }
            }
        }

        private static bool IsSecured(string host, HashSet<string> secured) =>
            secured.Contains(host) || (host.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot && secured.Contains("*" + host[dot..]));

        private static string HostName(string host, string path)
        {
            var name = host.ToLowerInvariant().TrimEnd('.');
            return name.Length > 0 && !name.AsSpan().ContainsAny(" /:")
                ? name
                : throw new IngressException($"{path}.hosts: \"{host}\" is not a host name (no port, no path)");
        }

        private void AddHost(string name, RouteRule[] rules)
        {
            if (!_hosts.TryGetValue(name, out var list))
            {
                _hosts[name] = list = [];
                _order.Add(name);
            }
            list.AddRange(rules);
        }

        private RouteRule CompilePath(KIngressPath source, RouteVisibility visibility, bool secured, string path)
        {
            var again = LeadsBack(source, path);
            return new RouteRule
            {
                PathPrefix = source.Path,
                Headers = [.. source.Headers.OrderBy(h => h.Key, StringComparer.Ordinal).Select(h => new HeaderMatch(h.Key, h.Value.Exact))],
                Backends = again ? [] : CompileSplits(source.Splits, path),
                RewriteHost = source.RewriteHost,
                Rematch = again,
                AppendHeaders = Headers(source.AppendHeaders),
                Visibility = visibility,
                RedirectsToHttps = secured && !source.Path.StartsWith(AcmePath, StringComparison.Ordinal),
                Owner = _owner,
            };
        }

        /// <summary>Whether the only split is a Route's placeholder, which stands for the gateway: then the host it is rewritten to is matched at once.</summary>
        private bool LeadsBack(KIngressPath source, string path)
        {
            if (source.RewriteHost.Length == 0 || source.Splits is not [var split] || lookup.Service(ServiceOf(split)) is not { } service || !IsGateway(service))
            {
                return false;
            }
            Services.Add(ServiceOf(split));
            // The original host is between gateway and revision alone (knative/serving: pkg/queue RewriteHostOut); the client's Host is kept anyway.
            foreach (var header in source.AppendHeaders.Keys.Concat(split.AppendHeaders.Keys).Where(h => h != KnativeNames.OriginalHostHeader))
            {
                _warnings.Add($"{path}: appendHeaders.{header} is not set, because the request goes on by the rules of {source.RewriteHost}.");
            }
            return true;
        }

        private static bool IsGateway(Service service) =>
            service.Spec.Type == "ExternalName" && service.Spec.ExternalName.EndsWith(KnativeNames.ServiceHost("", KnativeNames.SystemNamespace), StringComparison.Ordinal);

        private ObjectKey ServiceOf(KIngressSplit split) => new(split.ServiceNamespace.Length == 0 ? key.Namespace : split.ServiceNamespace, split.ServiceName);

        private WeightedBackend[] CompileSplits(IReadOnlyList<KIngressSplit> splits, string path)
        {
            if (splits.Count == 0)
            {
                throw new IngressException($"{path}.splits is empty: name at least one service");
            }
            var sum = splits.Sum(s => s.Percent);
            var lone = splits.Count == 1 && sum == 0; // Knative reads one split without a percentage as all of it
            if (!lone && sum != 100)
            {
                throw new IngressException($"{path}.splits: the percentages add up to {sum}; they must add up to 100");
            }
            var backends = new WeightedBackend[splits.Count];
            for (var i = 0; i < backends.Length; i++)
            {
                var split = splits[i];
                backends[i] = new WeightedBackend
                {
                    Backend = Resolve(split, $"{path}.splits[{i}]"),
                    Weight = lone ? 100 : split.Percent,
                    AppendHeaders = Headers(split.AppendHeaders),
                };
            }
            return backends;
        }

        private BackendKey Resolve(KIngressSplit split, string path)
        {
            if (split.ServiceName.Length == 0)
            {
                throw new IngressException($"{path}.serviceName is empty: name the service");
            }
            var service = ServiceOf(split);
            Services.Add(service);
            var backend = lookup.ServerlessService(service) is { } serverless ? Revision(service, serverless) : Plain(service, split, path);
            _backends.Add(backend);
            return backend;
        }

        private BackendKey Revision(ObjectKey service, ServerlessService serverless)
        {
            var backend = BackendKey.Revision(service.Namespace, service.Name);
            _policies.TryAdd(backend, RevisionPolicies.From(lookup.Revision(service), serverless, lookup.Autoscaler));
            return backend;
        }

        private BackendKey Plain(ObjectKey name, KIngressSplit split, string path)
        {
            if (lookup.Service(name) is not { } service)
            {
                throw new IngressException($"{path}: service {name} does not exist; create it or correct serviceName");
            }
            if (IsGateway(service))
            {
                throw new IngressException($"{path}: service {name} is the gateway itself; lead there with rewriteHost and no other split");
            }
            var wanted = split.ServicePort switch
            {
                { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
                { ValueKind: JsonValueKind.String } text => text.GetString()!,
                _ => throw new IngressException($"{path}.servicePort is missing: give a number or a name of a port of service {name}"),
            };
            if (service.Spec.Ports.FirstOrDefault(p => p.Name == wanted || p.Port.ToString() == wanted) is not { } port)
            {
                var there = string.Join(", ", service.Spec.Ports.Select(p => p.Name.Length == 0 ? p.Port.ToString() : $"{p.Port} ({p.Name})"));
                throw new IngressException($"{path}.servicePort: service {name} has no port {wanted}; it has: {there}");
            }
            var backend = BackendKey.Service(name.Namespace, name.Name, wanted);
            if (port.AppProtocol == "kubernetes.io/h2c" || port.Name == RevisionPolicies.H2c)
            {
                _policies.TryAdd(backend, RevisionPolicy.PlainService with { Protocol = BackendProtocol.H2c });
            }
            return backend;
        }

        private static KeyValuePair<string, string>[] Headers(IReadOnlyDictionary<string, string> headers) =>
            [.. headers.OrderBy(h => h.Key, StringComparer.Ordinal)];
    }

    private sealed class IngressException(string message) : Exception(message);
}
