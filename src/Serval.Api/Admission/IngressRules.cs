using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Ingresses of networking.k8s.io (kubernetes pkg/apis/networking/validation: ValidateIngressSpec).</summary>
internal static class IngressRules
{
    private const string ClassAnnotation = "kubernetes.io/ingress.class";

    private static readonly string[] s_badParts = ["//", "/./", "/../", "%2f", "%2F"];
    private static readonly string[] s_badEnds = ["/..", "/."];

    public static void Check(JsonObject tree, JsonObject? old, Problems to)
    {
        var spec = tree.Object("spec");
        var rules = spec.Array("rules") is { Count: > 0 };
        if (!rules && !spec.Has("defaultBackend"))
        {
            to.Invalid("spec", "null", "either `defaultBackend` or `rules` must be specified");
        }
        if (spec.Object("defaultBackend") is { } backend)
        {
            Backend(backend, "spec.defaultBackend", to);
        }
        foreach (var (i, rule) in spec.Objects("rules"))
        {
            Rule(rule, $"spec.rules[{i}]", to);
        }
        foreach (var (i, tls) in spec.Objects("tls"))
        {
            var hosts = tls.Array("hosts") ?? [];
            for (var j = 0; j < hosts.Count; j++)
            {
                Host(Tree.Text(hosts[j]), $"spec.tls[{i}].hosts[{j}]", to);
            }
            if (tls.String("secretName") is { Length: > 0 } secret)
            {
                to.Check($"spec.tls[{i}].secretName", secret, Names.Subdomain);
            }
        }
        var name = spec.String("ingressClassName");
        if (spec.Has("ingressClassName"))
        {
            to.Check("spec.ingressClassName", name, Names.Subdomain);
            if (old is null && tree.Object("metadata").Object("annotations") is { } annotations && annotations.Has(ClassAnnotation) && annotations.String(ClassAnnotation) != name)
            {
                to.InvalidText($"annotations.{ClassAnnotation}", annotations.String(ClassAnnotation), "must match `ingressClassName` when both are specified");
            }
        }
    }

    private static void Rule(JsonObject rule, string path, Problems to)
    {
        var host = rule.String("host");
        if (host.Length > 0)
        {
            if (IpText.Parse(host) is not null)
            {
                to.InvalidText($"{path}.host", host, "must be a DNS name, not an IP address");
            }
            Host(host, $"{path}.host", to);
        }
        if (rule.Object("http") is not { } http)
        {
            return;
        }
        if (http.Array("paths") is null or { Count: 0 })
        {
            to.Required($"{path}.http.paths");
        }
        foreach (var (i, way) in http.Objects("paths"))
        {
            Way(way, $"{path}.http.paths[{i}]", to);
        }
    }

    private static void Way(JsonObject way, string at, Problems to)
    {
        if (!way.Has("pathType"))
        {
            to.Required($"{at}.pathType", "pathType must be specified");
            return;
        }
        var (type, path) = (way.String("pathType"), way.String("path"));
        switch (type)
        {
            case "Exact" or "Prefix" or "ImplementationSpecific":
                if (!path.StartsWith('/') && !(path.Length == 0 && type == "ImplementationSpecific"))
                {
                    to.InvalidText($"{at}.path", path, "must be an absolute path");
                }
                if (type == "ImplementationSpecific")
                {
                    break;
                }
                foreach (var part in s_badParts.Where(p => path.Contains(p, StringComparison.Ordinal)))
                {
                    to.InvalidText($"{at}.path", path, $"must not contain '{part}'");
                }
                foreach (var end in s_badEnds.Where(e => path.EndsWith(e, StringComparison.Ordinal)))
                {
                    to.InvalidText($"{at}.path", path, $"cannot end with '{end}'");
                }
                break;
            default:
                to.Unsupported($"{at}.pathType", type, "Exact", "ImplementationSpecific", "Prefix");
                break;
        }
        Backend(way.Object("backend") ?? [], $"{at}.backend", to);
    }

    private static void Backend(JsonObject backend, string path, Problems to)
    {
        var (resource, service) = (backend.Object("resource"), backend.Object("service"));
        if ((resource is null) == (service is null))
        {
            to.InvalidText(path, "", resource is null ? "resource or service backend is required" : "cannot set both resource and service backends");
            return;
        }
        if (resource is not null)
        {
            if (resource.Has("apiGroup"))
            {
                to.Check($"{path}.resource.apiGroup", resource.String("apiGroup"), Names.Subdomain);
            }
            foreach (var field in (ReadOnlySpan<string>)["kind", "name"])
            {
                to.Need(resource, field, $"{path}.resource");
                to.Check($"{path}.resource.{field}", resource.String(field), RbacRules.Name);
            }
            return;
        }
        to.Need(service, "name", $"{path}.service");
        if (service.String("name") is { Length: > 0 } name)
        {
            to.Check($"{path}.service.name", name, Names.Label);
        }
        var (port, number) = (service.Object("port").String("name"), service.Object("port").Number("number") ?? 0);
        if (port.Length > 0 && number != 0)
        {
            to.InvalidText(path, "", "cannot set both port name & port number");
        }
        else if (port.Length > 0)
        {
            to.Check($"{path}.service.port.name", port, Names.PortNameProblems);
        }
        else if (number == 0)
        {
            to.Required(path, "port name or number is required");
        }
        else if (Names.PortNumber(number) is { } wrong)
        {
            to.Invalid($"{path}.service.port.number", $"{number}", wrong);
        }
    }

    private static void Host(string host, string path, Problems to)
    {
        if (!host.Contains('*', StringComparison.Ordinal))
        {
            to.Check(path, host, Names.Subdomain);
        }
        else if (!host.StartsWith("*.", StringComparison.Ordinal) || Names.Subdomain(host[2..]) is not null)
        {
            to.InvalidText(path, host, "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')");
        }
    }
}
