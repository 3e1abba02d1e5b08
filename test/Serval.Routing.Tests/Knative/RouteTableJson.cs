using System.Text.Json.Nodes;

namespace Serval.Routing.Tests.Knative;

/// <summary>A route table as JSON to compare; what is default is left out.</summary>
internal static class RouteTableJson
{
    internal static JsonObject Write(RouteTable table)
    {
        var hosts = new JsonObject();
        foreach (var host in table.Hosts.Values.Concat(table.WildcardHosts).OrderBy(h => h.Host, StringComparer.Ordinal))
        {
            hosts[host.Host] = new JsonArray([.. host.Rules.Select(r => (JsonNode)Write(r))]);
        }
        var policies = new JsonObject();
        foreach (var (backend, policy) in table.Policies.OrderBy(p => p.Key.ToString(), StringComparer.Ordinal))
        {
            policies[backend.ToString()] = Write(policy);
        }
        return new JsonObject { ["hosts"] = hosts, ["policies"] = policies };
    }

    private static JsonObject Write(RouteRule rule)
    {
        var json = new JsonObject { ["path"] = rule.PathPrefix, ["visibility"] = rule.Visibility.ToString(), ["owner"] = rule.Owner };
        if (rule.Headers.Count > 0)
        {
            json["headers"] = new JsonArray([.. rule.Headers.Select(h => (JsonNode)$"{h.Name}: {h.Value}")]);
        }
        if (rule.RewriteHost.Length > 0)
        {
            json["rewriteHost"] = rule.RewriteHost;
        }
        if (rule.Rematch)
        {
            json["rematch"] = true;
        }
        if (rule.RedirectsToHttps)
        {
            json["redirectsToHttps"] = true;
        }
        Append(json, rule.AppendHeaders);
        json["backends"] = new JsonArray([.. rule.Backends.Select(b => (JsonNode)Write(b))]);
        return json;
    }

    private static JsonObject Write(WeightedBackend backend)
    {
        var json = new JsonObject { ["kind"] = backend.Backend.Kind.ToString(), ["to"] = backend.Backend.ToString(), ["weight"] = backend.Weight };
        Append(json, backend.AppendHeaders);
        return json;
    }

    private static JsonObject Write(RevisionPolicy policy) => new()
    {
        ["containerConcurrency"] = policy.ContainerConcurrency,
        ["timeout"] = policy.Timeout.TotalSeconds,
        ["responseStart"] = policy.ResponseStartTimeout.TotalSeconds,
        ["idle"] = policy.IdleTimeout.TotalSeconds,
        ["protocol"] = policy.Protocol.ToString(),
        ["port"] = $"{policy.PortName}:{policy.ContainerPort}",
    };

    private static void Append(JsonObject json, IReadOnlyList<KeyValuePair<string, string>> headers)
    {
        if (headers.Count > 0)
        {
            json["appendHeaders"] = new JsonArray([.. headers.Select(h => (JsonNode)$"{h.Key}: {h.Value}")]);
        }
    }
}
